"""Tissue and tumour outlines on the scan, to judge the registration by."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.patients.prepared import load_prepared
    from gliofit.reporting.figures.patient_view import preparation_picture

    preparation_picture(load_prepared(Path(snakemake.input.prepared[0]).parent), snakemake.output[0])
