"""A trained network with its test figures, as resources/weights has it."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.training.release import release

    files = snakemake.input
    release(
        files.weights,
        files.log,
        {Path(path).stem: [path] for path in files.tests},
        snakemake.output[0],
        threads=snakemake.threads,
    )
