"""How well the true density of a patient of the cohort explains its outlines."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.evaluation.cohort_scores import truth_scores
    from gliofit.evaluation.score_file import Scores
    from gliofit.synthetic.cohort import load_patient

    folder = Path(snakemake.input.truth).parent
    patient, density, _ = load_patient(folder, Tissue.from_nifti(*snakemake.input.tissue))
    scores = truth_scores(density, patient)
    Scores(f"cohort-{snakemake.wildcards.index}", snakemake.params.row, scores, "cohort").save(snakemake.output[0])
