"""Simulated test cases of an anatomy: θ from the prior, unseen in training."""

from gliofit.workflow import job

with job(snakemake):
    from gliofit.sampling import SPLITS, Prior, samples
    from gliofit.tissue import Tissue
    from gliofit.workflow import write_json

    anatomy, params = snakemake.wildcards.anatomy, snakemake.params
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    seed = (params.seed, SPLITS.index("test"), 0)
    drawn = samples(tissue, Prior(**params.prior), params.number, seed, threads=snakemake.threads)
    cases = [
        {"case": f"{anatomy}-{index:04d}", "theta": sample.theta.to_dict(), "volume_ml": sample.volume}
        for index, sample in enumerate(drawn)
    ]
    write_json(snakemake.output[0], cases)
