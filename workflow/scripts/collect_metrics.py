"""One table of all per-case values."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.base.files import write_text
    from gliofit.evaluation.metrics import read_metrics

    parts = [pd.read_csv(path, dtype={"case": str}) for path in snakemake.input.metrics]
    write_text(snakemake.output[0], read_metrics(pd.concat(parts)).to_csv(index=False))
