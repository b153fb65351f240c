"""Times of the solver and of every surrogate on the first test cases, measured in one job so that they compare."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import read_json, write_text
    from gliofit.evaluation.made_by import save_note
    from gliofit.evaluation.surrogate_scores import solver_times, surrogate_times, table_rows
    from gliofit.growth.theta import Theta
    from gliofit.networks import load_surrogate

    params, threads = snakemake.params, snakemake.threads
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    cases = read_json(snakemake.input.cases)[: params.number]
    names, thetas = [case["case"] for case in cases], [Theta.from_dict(case["theta"]) for case in cases]
    weights, tables = dict(zip(params.surrogates, snakemake.input.weights, strict=True)), []
    for row, (name, device) in params.rows.items():
        if name == "solver":
            times = solver_times(tissue, thetas, threads, device)
        else:
            times = surrogate_times(tissue, thetas, load_surrogate(weights[name], device), threads, device)
        tables.append(table_rows(names, row, times))
    write_text(snakemake.output.metrics, pd.concat(tables).to_csv(index=False))
    save_note(snakemake.output.made_by)
