"""Tumours of the prior, grown by the numerical solver: one HDF5 shard."""

from gliofit.workflow import job

with job(snakemake):
    from gliofit.sampling import Prior
    from gliofit.shards import simulate_shard
    from gliofit.tissue import Tissue

    params = snakemake.params
    simulate_shard(
        Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing),
        snakemake.output[0],
        params.number,
        params.shape,
        seed=params.seed,
        split=snakemake.wildcards.split,
        shard=int(snakemake.wildcards.scatteritem.split("-of-")[0]) - 1,
        prior=Prior(**params.prior),
        threads=snakemake.threads,
    )
