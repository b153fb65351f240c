"""One of the paper's tables: tidy csv, markdown and LaTeX."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.tables import write_table

    params = snakemake.params
    stem = Path(snakemake.output.csv).with_suffix("")
    write_table(params.number, snakemake.input.metrics, stem, params.methods, cases=params.cases, titles=params.titles)
