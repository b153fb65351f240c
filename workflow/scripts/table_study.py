"""The studies of gliodil over all patients: a tidy table, the same for people, and a figure."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.base.files import write_text
    from gliofit.evaluation.gliodil_study import markdown, summary
    from gliofit.inversion import describe
    from gliofit.reporting.figures.coverage import weight_study

    output = snakemake.output
    rows = pd.concat([pd.read_csv(path) for path in snakemake.input.studies])
    table = summary(rows)
    titles = {name: describe(name).title for name in ("gliodil", "pde_gliodil")}
    write_text(output.csv, table.to_csv(index=False))
    write_text(output.md, markdown(table, titles))
    weight_study(Path(output.png).with_suffix(""), rows, titles)
