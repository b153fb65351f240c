"""A table: tidy csv, markdown and LaTeX."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.tables.tidy import write_table

    params = snakemake.params
    stem = Path(snakemake.output.csv).with_suffix("")
    options = {"cases": params.cases, "ours": params.get("ours"), "titles": params.titles}
    write_table(params.number, snakemake.input.metrics, stem, params.methods, **options)
