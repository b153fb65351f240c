"""Corner plot of a posterior."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.inversion.samples import load_samples
    from gliofit.reporting.figures.corner import draw_corner

    draw_corner(Path(snakemake.output[0]).with_suffix(""), load_samples(snakemake.input.samples))
