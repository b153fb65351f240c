"""A method's radiotherapy plan, of the standard plan's volume, and how the method's density explains the patient."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import numpy as np

    from gliofit.base.nifti import load_volume, save_volume
    from gliofit.evaluation.coverage_scores import ordered_scores
    from gliofit.evaluation.patient_scores import coverages, data_fit
    from gliofit.evaluation.score_file import Scores
    from gliofit.inversion.fit_file import load_fit
    from gliofit.patients.prepared import load_prepared
    from gliofit.planning.coverage import density_ranks
    from gliofit.planning.plans import allowed_voxels, model_plan

    files, output, method = snakemake.input, snakemake.output, snakemake.wildcards.method
    patient = load_prepared(Path(files.prepared[0]).parent)
    density = load_volume(files.density).data
    voxels = int(np.count_nonzero(load_volume(files.standard, np.uint8).data))
    exclude = patient.fluid if snakemake.params.exclude_csf else None
    plan = model_plan(density, voxels, patient.brain, exclude, patient.tissue.spacing, fill=True)
    positive = int(np.count_nonzero(plan & (density > 0)))
    if positive < voxels:
        print(f"The density is positive in {positive} of {voxels} voxels; the rest are those nearest to it.")
    save_volume(output.plan, plan.astype(np.uint8), patient.affine, "mask", "radiotherapy plan")
    allowed = allowed_voxels(patient.brain, exclude)
    ordered = ordered_scores(density_ranks(density, allowed, patient.tissue.spacing), patient, exclude)
    scores = {**ordered, **data_fit(density, patient), **coverages(plan, patient)}
    scores["seconds"] = load_fit(files.summary).seconds
    about = {"plan_voxels": int(plan.sum()), "plan_voxels_with_density": positive}
    Scores(snakemake.wildcards.patient, method, scores, about=about).save(output.scores)
