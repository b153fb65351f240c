"""A patient of the cohort without patients, and the shapes of its outlines."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import write_json
    from gliofit.evaluation.outline_shapes import shapes
    from gliofit.synthetic.cohort import load_patient, make_patient

    params, output = snakemake.params, snakemake.output
    atlas, folder = Tissue.from_nifti(*snakemake.input.tissue), Path(output.truth).parent
    make_patient(atlas, folder, params.seed, params.spacing, threads=snakemake.threads)
    patient, _, truth = load_patient(folder, atlas)
    about = {"foci": len(truth.foci), **shapes(patient.core, patient.whole, patient.tissue.spacing)}
    write_json(output.shapes, about)
