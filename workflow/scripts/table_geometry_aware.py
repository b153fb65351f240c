"""Ezhov 2021, Table I: tidy csv, markdown and LaTeX."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.evaluation.geometry_aware_scores import of_table
    from gliofit.evaluation.metrics import read_metrics
    from gliofit.reporting.tables.tidy import write_table

    params = snakemake.params
    stem = Path(snakemake.output.csv).with_suffix("")
    frame = of_table(read_metrics(snakemake.input.metrics))
    write_table("ezhov_table1", frame, stem, list(params.titles), ours=params.ours, titles=dict(params.titles))
