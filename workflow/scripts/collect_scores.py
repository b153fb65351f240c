"""Per-patient values of all methods in one tidy table."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.base.files import write_text
    from gliofit.evaluation.metrics import read_metrics
    from gliofit.evaluation.score_file import load_scores

    rows = [load_scores(path).rows for path in snakemake.input.scores]
    write_text(snakemake.output[0], read_metrics(pd.concat(rows)).to_csv(index=False))
