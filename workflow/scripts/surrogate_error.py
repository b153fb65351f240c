"""A surrogate's error on every test case of a set."""

from gliofit.workflow import job

with job(snakemake):
    from gliofit.files import write_text
    from gliofit.inversion.crops import torch_threads
    from gliofit.networks import load_surrogate
    from gliofit.surrogate_error import compare, table_rows
    from gliofit.theta import Theta
    from gliofit.tissue import Tissue
    from gliofit.workflow import read_json

    wildcards, threads = snakemake.wildcards, snakemake.threads
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(snakemake.params.spacing)
    surrogate = load_surrogate(snakemake.input.weights)
    cases = read_json(snakemake.input.cases)
    with torch_threads(threads):
        rows = [compare(tissue, Theta.from_dict(case["theta"]), surrogate, threads).errors() for case in cases]
    name = f"{wildcards.surrogate}_{wildcards.cases}"
    write_text(snakemake.output[0], table_rows([case["case"] for case in cases], name, rows).to_csv(index=False))
