"""One method on a patient's segmentation, and PET if there is any; the density goes back to the patient's own space."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.inversion.registry import invert, ready
    from gliofit.nifti import save_volume
    from gliofit.patients import atlas_grid, load_prepared
    from gliofit.workflow import versions, write_json

    method, params, output = snakemake.wildcards.method, snakemake.params, snakemake.output
    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    problem = patient.problem(params.spacing)
    networks = ready(method, snakemake.input.networks)
    morph = patient.morph(atlas_grid(snakemake.input.atlas, params.spacing))
    options = {"networks": networks, "seed": params.seed, "threads": snakemake.threads, "morph": morph}
    fit = invert(problem.target, problem.tissue, method, **options, **params.settings)
    save_volume(output.density, patient.to_scan(fit.density, problem.tissue.affine), patient.affine)
    observed = "segmentation" if patient.fet is None else "segmentation and PET"
    case = {"case": snakemake.wildcards.patient, "target": observed, "spacing": params.spacing}
    write_json(output.summary, {**case, **fit.summary(), "versions": versions()})
