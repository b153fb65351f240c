"""Make one of GliODIL's synthetic patients, and see what the standard plan and a margin along tissue miss of it."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.evaluation.gliodil_scores import margin_scores
    from gliofit.evaluation.score_file import Scores
    from gliofit.synthetic.gliodil_patient import load_patient, make_patient

    params, output = snakemake.params, snakemake.output
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(1.0)
    folder = Path(output.truth).parent
    make_patient(tissue, folder, snakemake.wildcards.foci, params.seed, snakemake.threads)
    patient, truth = load_patient(folder, tissue)
    about = {"kind": patient.report["truth"]["recurrence"]["kind"]}
    for name, path in zip(("standard", "geodesic"), output.scores, strict=True):
        scores = margin_scores(truth, patient, along_tissue=name == "geodesic")
        Scores(folder.name, name, scores, snakemake.wildcards.foci, about=about).save(path)
