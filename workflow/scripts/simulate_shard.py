"""Tumours of the prior, grown by the numerical solver: one HDF5 shard."""

from gliofit.workflow import job

with job(snakemake):
    from gliofit.deformation import of_shard
    from gliofit.sampling import Prior
    from gliofit.shards import simulate_shard
    from gliofit.tissue import Tissue

    params = snakemake.params
    atlas = Tissue.from_nifti(*snakemake.input.tissue)
    anatomy = of_shard(atlas, params.deformation, params.seed, params.shard)
    simulate_shard(
        anatomy.working_grid(params.spacing),
        snakemake.output[0],
        params.number,
        params.shape,
        seed=params.seed,
        split=params.split,
        shard=params.shard,
        prior=Prior(**params.prior),
        threads=snakemake.threads,
    )
