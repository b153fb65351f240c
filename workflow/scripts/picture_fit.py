"""Isolines of a fitted density on the scan."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.nifti import load_volume
    from gliofit.patients import load_prepared
    from gliofit.qc import density_picture

    prepared = load_prepared(Path(snakemake.input.prepared[0]).parent)
    density = load_volume(snakemake.input.density).data
    density_picture(prepared, density, snakemake.output[0], snakemake.params.title)
