"""Plan and train nnU-Net; a run that was killed goes on from its checkpoint."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.training.nnunet import train_nnunet
    from gliofit.training.settings import NnunetSettings

    params, output = snakemake.params, snakemake.output
    train_nnunet(
        NnunetSettings(**params.settings),
        snakemake.input.cases,
        output.weights,
        log_csv=output.log,
        figure_png=output.figure,
        checkpoint=params.checkpoint,
        threads=params.threads,
        seed=params.seed,
        device=params.device,
    )
