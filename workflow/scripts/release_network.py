"""A trained network with its test figures, as resources/weights has it."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.networks.release import release

    files = snakemake.input
    release(
        files.weights,
        files.log,
        {Path(path).stem: [path] for path in files.tests},
        snakemake.output[0],
        threads=snakemake.threads,
    )
