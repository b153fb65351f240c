"""Train one network; a run that was killed goes on from its checkpoint."""

from gliofit.pipeline.jobs import job, training

with job(snakemake):
    from gliofit.training.loop import train
    from gliofit.training.settings import SETTINGS, PartSettings

    params, given = snakemake.params, snakemake.input
    role = params.get("role") or snakemake.wildcards.network
    settings = (SETTINGS | {"lmi_part": PartSettings})[role](**params.settings)  # a study's own, none of the config's
    train(role, settings, given.train, given.validation, snakemake.output.weights, **training(snakemake))
