"""A trained network with its test figures, as resources/weights has it."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.training.release import release

    files = snakemake.input
    release(
        files.weights,
        files.log,
        {anatomy: [path] for anatomy, path in zip(snakemake.params.anatomies, files.tests, strict=True)},
        snakemake.output[0],
        threads=snakemake.threads,
    )
