"""Per-patient values of all methods in one tidy table; synthetic recurrences by their kind once more."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from dataclasses import replace

    import pandas as pd

    from gliofit.base.files import write_text
    from gliofit.evaluation.metrics import read_metrics
    from gliofit.evaluation.score_file import load_scores

    found = [load_scores(path) for path in snakemake.input.scores]
    rows = [scores.rows for scores in found]
    rows += [replace(scores, set=scores.about["kind"]).rows for scores in found if "kind" in scores.about]
    write_text(snakemake.output[0], read_metrics(pd.concat(rows)).to_csv(index=False))
