"""Ways of planning against the standard plan on synthetic recurrences: a table and coverage curves."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import write_text
    from gliofit.evaluation.comparison import compare, markdown
    from gliofit.evaluation.metrics import read_metrics
    from gliofit.reporting.figures.coverage import coverage_curves
    from gliofit.reporting.tables.layout import STANDARD_PLAN

    params, output = snakemake.params, snakemake.output
    table = compare(read_metrics(snakemake.input.metrics), params.sets, list(params.titles), STANDARD_PLAN)
    write_text(output.csv, table.to_csv(index=False))
    write_text(output.md, markdown(table, params.titles, params.sets))
    coverage_curves(Path(output.png).with_suffix(""), table, params.titles, params.sets)
