"""Plans that need no density: the standard margin around the tumour core, and one along tissue of the same volume."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import numpy as np

    from gliofit.anatomy.geodesic import tissue_distance
    from gliofit.base.nifti import save_volume
    from gliofit.evaluation.coverage_scores import ordered_scores, standard_target
    from gliofit.evaluation.patient_scores import coverages
    from gliofit.evaluation.score_file import Scores
    from gliofit.patients.prepared import load_prepared
    from gliofit.planning.coverage import distance_ranks
    from gliofit.planning.plans import allowed_voxels, standard_plan

    params, output = snakemake.params, snakemake.output
    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    if not patient.core.any():
        print("The tumour has no core: the margin is taken around the whole tumour.")
    if patient.cavity.any():
        print("The margin is taken around the resection cavity, too.")
    target, straight = standard_target(patient)
    exclude = patient.fluid if params.exclude_csf else None
    plan = standard_plan(target, patient.brain, patient.tissue.spacing, params.margin, exclude)
    voxels, allowed = int(plan.sum()), allowed_voxels(patient.brain, exclude)
    ranks = {"standard": distance_ranks(straight, allowed)}
    ranks["geodesic"] = distance_ranks(tissue_distance(target, patient.tissue), allowed)
    plans = {"standard": plan, "geodesic": (ranks["geodesic"] > 0) & (ranks["geodesic"] <= voxels)}
    for name, masks, file in zip(plans, output.plans, output.scores, strict=True):
        chosen = plans[name]
        save_volume(masks, chosen.astype(np.uint8), patient.affine, "mask", "radiotherapy plan")
        scores = {**ordered_scores(ranks[name], patient, exclude), **coverages(chosen, patient)}
        Scores(snakemake.wildcards.patient, name, scores, about={"plan_voxels": voxels}).save(file)
