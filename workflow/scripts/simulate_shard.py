"""Tumours of the prior, grown by the numerical solver: one HDF5 shard."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.synthetic.prior import Prior
    from gliofit.synthetic.shards import simulate_shard
    from gliofit.synthetic.training_anatomy import of_shard

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
