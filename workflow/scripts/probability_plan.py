"""A radiotherapy plan by the probability that a density is exceeded, beside the plan by density."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import numpy as np

    from gliofit.base.nifti import load_volume, save_volume
    from gliofit.base.overlap import dice
    from gliofit.evaluation.patient_scores import coverages
    from gliofit.evaluation.score_file import Scores
    from gliofit.patients.prepared import load_prepared
    from gliofit.planning.plans import probability_plan

    files, params, output = snakemake.input, snakemake.params, snakemake.output
    patient = load_prepared(Path(files.prepared[0]).parent)
    standard, by_density = (load_volume(path, np.uint8).data > 0 for path in (files.standard, files.by_density))
    above, mean = (load_volume(path).data for path in (files.above, files.mean))
    exclude = patient.fluid if params.exclude_csf else None
    voxels = int(np.count_nonzero(standard))
    plan = probability_plan(above, mean, voxels, patient.brain, exclude, patient.tissue.spacing)
    save_volume(output.plan, plan.astype(np.uint8), patient.affine, "mask", "radiotherapy plan")
    shared, inside = dice(plan, by_density), above[plan & (above > 0)]
    about = {
        "level": params.level,
        "plan_voxels": int(plan.sum()),
        "dice_with_plan_by_density": shared,
        "least_probability": float(inside.min()) if inside.size else 0.0,
        "words": f"The plan by the probability that c exceeds {params.level:g} and that by density, of the same "
        f"volume, have a Dice score of {shared:.3f}.",
    }
    method = f"{snakemake.wildcards.method}_probability"
    Scores(snakemake.wildcards.patient, method, coverages(plan, patient), about=about).save(output.scores)
