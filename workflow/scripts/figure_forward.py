"""Figure 1b: the surrogate's density beside the numerical solver's, on the first test cases."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.figures import forward
    from gliofit.networks import load_surrogate
    from gliofit.surrogate_error import compare
    from gliofit.theta import Theta
    from gliofit.tissue import Tissue
    from gliofit.workflow import read_json

    params = snakemake.params
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    surrogate = load_surrogate(snakemake.input.weights)
    cases = read_json(snakemake.input.cases)[: params.number]
    runs = [compare(tissue, Theta.from_dict(case["theta"]), surrogate, snakemake.threads) for case in cases]
    forward(Path(snakemake.output.png).with_suffix(""), runs)
