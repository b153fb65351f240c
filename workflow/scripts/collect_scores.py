"""Per-patient values of all methods in one tidy table."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.base.files import read_json, write_text
    from gliofit.evaluation.metrics import read_metrics, tidy

    found = [read_json(path) for path in snakemake.input.scores]
    # null is what cannot be told: no recurrence, no PET
    values = [{name: float("nan") if v is None else v for name, v in one["scores"].items()} for one in found]
    # on GliODIL's synthetic patients, what a fit was told is part of its name
    names = ["/".join(filter(None, [one["method"], one.get("observed")])) for one in found]
    cases = zip(found, names, values, strict=True)
    rows = [tidy(one["case"], one.get("set", "patients"), name, v) for one, name, v in cases]
    write_text(snakemake.output[0], read_metrics(pd.concat(rows)).to_csv(index=False))
