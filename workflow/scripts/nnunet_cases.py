"""Patients that nnU-Net learns from: synthetic ones whose tumours come back, none of them one that is tested."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.synthetic.nnunet_cases import make_cases

    params = snakemake.params
    make_cases(
        Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.truth),
        snakemake.output[0],
        params.indices,
        spacing=params.spacing,
        predicts=params.predicts,
        seed=params.seed,
        threads=snakemake.threads,
    )
