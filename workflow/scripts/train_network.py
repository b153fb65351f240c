"""Train one network; a run that was killed goes on from its checkpoint."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.training.loop import train
    from gliofit.training.settings import SETTINGS

    params, output = snakemake.params, snakemake.output
    role = params.get("role") or snakemake.wildcards.network
    train(
        role,
        SETTINGS[role](**params.settings),
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
