"""Tumours of Learn-Morph-Infer's D, ρ and T: one HDF5 shard."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.synthetic.lmi_tumours import simulate_lmi_shard
    from gliofit.synthetic.prior import Prior

    params, wildcards = snakemake.params, snakemake.wildcards
    simulate_lmi_shard(
        Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing),
        snakemake.output[0],
        params.number,
        (round(params.crop / params.spacing),) * 3,
        model=wildcards.model,
        gamma=params.gamma,
        seed=params.seed,
        split=wildcards.split,
        shard=int(wildcards.shard),
        prior=Prior(**params.prior),
        threads=snakemake.threads,
    )
