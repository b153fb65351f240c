"""Train one network of Learn-Morph-Infer's Table 2; a run that was killed goes on from its checkpoint."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.training.loop import train
    from gliofit.training.settings import PartSettings, WholeBrainSettings

    params, output = snakemake.params, snakemake.output
    whole = snakemake.wildcards.targets == "all"
    train(
        "lmi" if whole else "lmi_part",
        (WholeBrainSettings if whole else PartSettings)(**params.settings),
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
