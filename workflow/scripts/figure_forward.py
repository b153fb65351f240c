"""Figure 1b: the surrogate's density beside the numerical solver's, on the first test cases."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import read_json
    from gliofit.evaluation.surrogate_scores import compare
    from gliofit.growth.theta import Theta
    from gliofit.networks import load_surrogate
    from gliofit.reporting.figures import forward

    params = snakemake.params
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    surrogate = load_surrogate(snakemake.input.weights)
    cases = read_json(snakemake.input.cases)[: params.number]
    runs = [compare(tissue, Theta.from_dict(case["theta"]), surrogate, snakemake.threads) for case in cases]
    forward(Path(snakemake.output.png).with_suffix(""), runs)
