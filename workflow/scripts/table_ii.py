"""Table II: posteriors by the solver and by the surrogate, over all cases and parameter by parameter."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import numpy as np
    import pandas as pd

    from gliofit.base.files import read_json, write_text
    from gliofit.evaluation.bayesian_scores import KINDS, mean_difference, side_by_side
    from gliofit.evaluation.metrics import tidy
    from gliofit.reporting.tables.markup import plain_latex, plain_markdown
    from gliofit.reporting.tables.tidy import write_table

    files, output = snakemake.input, snakemake.output
    found = [read_json(path) for path in files.summaries]
    densities = [np.load(path)["density"] for path in files.densities]
    rows, parameters = [], []
    for about, density in zip(found, densities, strict=True):
        other = next(d for a, d in zip(found, densities, strict=True) if a["case"] == about["case"] and a is not about)
        values = about["scores"] | {"mae_between": mean_difference(density, other)}
        rows.append(tidy(about["case"], "table_ii", about["forward"], values))
        own = pd.DataFrame(about["parameters"])
        own.insert(0, "forward", about["forward"])
        own.insert(0, "case", about["case"])
        parameters.append(own)
    stem = Path(output.csv).with_suffix("")
    write_table("table_ii", pd.concat(rows), stem, list(KINDS), cases="table_ii", titles=KINDS)
    every = pd.concat(parameters)
    text = side_by_side(every, list(KINDS))
    printed = every.to_csv(index=False), f"{plain_markdown(text)}\n", plain_latex(text)
    for path, content in zip(output.parameters, printed, strict=True):
        write_text(path, content)
