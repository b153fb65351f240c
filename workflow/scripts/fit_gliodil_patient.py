"""One method on one of GliODIL's synthetic patients, its density beside the true one, and its plan."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import write_json
    from gliofit.base.nifti import save_volume
    from gliofit.base.versions import versions
    from gliofit.evaluation.gliodil_scores import fit_scores
    from gliofit.evaluation.patient_scores import defined
    from gliofit.inversion.patient_problem import patient_problem
    from gliofit.inversion.registry import invert, ready
    from gliofit.synthetic.gliodil_patient import load_patient

    wildcards, params, output = snakemake.wildcards, snakemake.params, snakemake.output
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(1.0)
    patient, truth = load_patient(Path(snakemake.input.truth).parent, tissue)
    problem = patient_problem(patient, params.spacing, pet=wildcards.observed == "mri_pet")
    networks = ready(wildcards.method, snakemake.input.networks)
    options = {"networks": networks, "seed": params.seed, "threads": snakemake.threads, **params.settings}
    fit = invert(problem.target, problem.tissue, wildcards.method, **options)
    density = patient.to_scan(fit.density, problem.tissue.affine)
    save_volume(output.density, density, patient.affine, "density")
    scores = {**fit_scores(density, truth, patient), "seconds": fit.seconds}
    case = {"case": patient.patient.id, "set": wildcards.foci, "observed": wildcards.observed}
    write_json(output.summary, {**case, **fit.summary(), "scores": defined(scores), "versions": versions()})
