"""Per-patient values of all methods in one tidy table."""

from gliofit.workflow import job

with job(snakemake):
    import pandas as pd

    from gliofit.files import write_text
    from gliofit.metrics import read_metrics, tidy
    from gliofit.workflow import read_json

    found = [read_json(path) for path in snakemake.input.scores]
    # null is what cannot be told: no recurrence, no PET
    values = [{name: float("nan") if v is None else v for name, v in one["scores"].items()} for one in found]
    rows = [tidy(one["case"], "patients", one["method"], v) for one, v in zip(found, values, strict=True)]
    write_text(snakemake.output[0], read_metrics(pd.concat(rows)).to_csv(index=False))
