"""Make an in-silico patient: a tumour grown on a healthy anatomy, and scans and a segmentation of it."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.anatomy import Anatomy
    from gliofit.synthetic.brats_like_patient import make_synthetic_patient

    anatomy = Anatomy.load(Path(snakemake.input.t1).parent)
    make_synthetic_patient(anatomy, Path(snakemake.output[0]).parent, seed=snakemake.params.seed)
