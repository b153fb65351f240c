"""Tumours of given D, ρ and T, in crops about their origins: a shard for each head."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.synthetic.physical_prior import PhysicalPrior
    from gliofit.synthetic.physical_shards import physical_split

    params = snakemake.params
    physical_split(
        Tissue.from_nifti(*snakemake.input.tissue),
        list(snakemake.output),
        params.number,
        params.shape,
        params.spacing,
        PhysicalPrior(**params.prior),
        deformation=params.deformation,
        seed=params.seed,
        split=params.split,
        threads=snakemake.threads,
    )
