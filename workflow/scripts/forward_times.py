"""Times of the solver and of every surrogate on the first test cases, measured in one job so that they compare."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import read_json, write_text
    from gliofit.evaluation.surrogate_scores import solver_times, surrogate_times, table_rows
    from gliofit.growth.theta import Theta
    from gliofit.networks import load_surrogate

    params, threads = snakemake.params, snakemake.threads
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    cases = read_json(snakemake.input.cases)[: params.number]
    names, thetas = [case["case"] for case in cases], [Theta.from_dict(case["theta"]) for case in cases]
    tables = []
    for device in params.devices:
        times = {"solver": solver_times(tissue, thetas, threads, device)}
        for name, weights in zip(params.surrogates, snakemake.input.weights, strict=True):
            times[name] = surrogate_times(tissue, thetas, load_surrogate(weights, device), threads, device)
        tables += [table_rows(names, f"{name}_{device}", rows) for name, rows in times.items()]
    write_text(snakemake.output[0], pd.concat(tables).to_csv(index=False))
