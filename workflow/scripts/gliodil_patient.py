"""Make one of GliODIL's synthetic patients, and see what the standard plan misses of it."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.evaluation.gliodil_scores import standard_scores
    from gliofit.evaluation.score_file import Scores
    from gliofit.synthetic.gliodil_patient import load_patient, make_patient

    params, output = snakemake.params, snakemake.output
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(1.0)
    folder = Path(output.truth).parent
    make_patient(tissue, folder, snakemake.wildcards.foci, params.seed, snakemake.threads)
    patient, truth = load_patient(folder, tissue)
    Scores(folder.name, "standard", standard_scores(truth, patient), snakemake.wildcards.foci).save(output.scores)
