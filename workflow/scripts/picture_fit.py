"""Isolines of a fitted density on the scan."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.nifti import load_volume
    from gliofit.patients.prepared import load_prepared
    from gliofit.reporting.figures.patient_view import density_picture

    prepared = load_prepared(Path(snakemake.input.prepared[0]).parent)
    density = load_volume(snakemake.input.density).data
    density_picture(prepared, density, snakemake.output[0], snakemake.params.title)
