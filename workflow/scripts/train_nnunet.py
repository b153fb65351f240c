"""Plan and train nnU-Net; a run that was killed goes on from its checkpoint."""

from gliofit.pipeline.jobs import job, training

with job(snakemake):
    from gliofit.training.nnunet import train_nnunet
    from gliofit.training.settings import NnunetSettings

    settings = NnunetSettings(**snakemake.params.settings)
    train_nnunet(settings, snakemake.input.cases, snakemake.output.weights, **training(snakemake))
