"""Training and validation losses of all networks."""

import csv
from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import read_json
    from gliofit.reporting.figures import learning

    logs = {}
    for network, path in zip(snakemake.params.networks, snakemake.input.logs, strict=True):
        if path.endswith(".csv"):
            with Path(path).open() as file:
                logs[network] = list(csv.DictReader(file))
        else:
            logs[network] = read_json(path)["log"]
    learning(Path(snakemake.output.png).with_suffix(""), logs)
