"""Simulated test cases: θ from the prior, unseen in training, or at its edges and beyond."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import write_json
    from gliofit.synthetic.prior import SPLITS, Prior, edge_samples, samples

    params, threads = snakemake.params, snakemake.threads
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    prior, seed = Prior(**params.prior), (params.seed, SPLITS.index("test"), 0)
    if params.beyond is None:
        drawn = samples(tissue, prior, params.number, seed, threads=threads)
    else:
        drawn = edge_samples(tissue, prior, params.number, seed, beyond=params.beyond, threads=threads)
    cases = [
        {
            "case": f"{snakemake.wildcards.cases}-{index:04d}",
            "theta": sample.theta.to_dict(),
            "volume_ml": sample.volume,
        }
        for index, sample in enumerate(drawn)
    ]
    write_json(snakemake.output[0], cases)
