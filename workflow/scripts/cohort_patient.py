"""A patient of the cohort without patients, the shapes of its outlines, and how well its own density explains them."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import write_json
    from gliofit.evaluation.cohort_scores import truth_scores
    from gliofit.evaluation.outline_shapes import shapes
    from gliofit.evaluation.score_file import Scores
    from gliofit.synthetic.cohort import load_patient, make_patient

    params, output = snakemake.params, snakemake.output
    atlas, folder = Tissue.from_nifti(*snakemake.input.tissue), Path(output.truth).parent
    make_patient(atlas, folder, params.seed, params.spacing, threads=snakemake.threads)
    patient, density, truth = load_patient(folder, atlas)
    about = {"foci": len(truth.foci), **shapes(patient.core, patient.whole, patient.tissue.spacing)}
    write_json(output.shapes, about)
    Scores(f"cohort-{snakemake.wildcards.index}", params.row, truth_scores(density, patient), "cohort").save(
        output.scores
    )
