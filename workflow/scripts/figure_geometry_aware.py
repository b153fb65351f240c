"""Ezhov 2021, Figs. 6 to 9."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.evaluation.metrics import read_metrics
    from gliofit.reporting.figures import geometry_aware as figures

    params, number = snakemake.params, snakemake.wildcards.number
    draw = {"6": figures.ages, "7": figures.tissues, "8": figures.overlaps, "9": figures.anatomies}[number]
    methods = params.compared if number in "78" else params.shown
    stem = Path(snakemake.output.png).with_suffix("")
    draw(stem, read_metrics(snakemake.input.metrics), {name: params.titles[name] for name in methods})
