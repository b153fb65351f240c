"""The standard radiotherapy plan: a margin around the tumour core."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import numpy as np

    from gliofit.base.nifti import save_volume
    from gliofit.evaluation.patient_scores import coverages
    from gliofit.evaluation.score_file import Scores
    from gliofit.patients.prepared import load_prepared
    from gliofit.planning.plans import standard_plan

    params, output = snakemake.params, snakemake.output
    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    if not patient.core.any():
        print("The tumour has no core: the margin is taken around the whole tumour.")
    target = patient.core if patient.core.any() else patient.whole
    if patient.cavity.any():
        print("The margin is taken around the resection cavity, too.")
        target = target | patient.cavity
    exclude = patient.tissue.csf > 0.5 if params.exclude_csf else None
    plan = standard_plan(target, patient.brain, patient.tissue.spacing, params.margin, exclude)
    save_volume(output.plan, plan.astype(np.uint8), patient.affine, "mask", "radiotherapy plan")
    about = {"plan_voxels": int(plan.sum())}
    Scores(snakemake.wildcards.patient, "standard", coverages(plan, patient), about=about).save(output.scores)
