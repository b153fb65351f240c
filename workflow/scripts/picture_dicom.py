"""Contours of the plans in DICOM on their series."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.figures.contours import contour_picture

    contour_picture(Path(snakemake.input.folder).parent, snakemake.output[0])
