"""Train one network; a run that was killed goes on from its checkpoint."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.training.loop import train
    from gliofit.training.settings import SETTINGS, PartSettings

    params, output = snakemake.params, snakemake.output
    role = params.get("role") or snakemake.wildcards.network
    train(
        role,
        (SETTINGS | {"lmi_part": PartSettings})[role](**params.settings),  # a study's own, none of the config's
        snakemake.input.train,
        snakemake.input.validation,
        output.weights,
        log_csv=output.log,
        figure_png=output.figure,
        checkpoint=params.checkpoint,
        threads=params.threads,
        seed=params.seed,
        device=params.device,
    )
