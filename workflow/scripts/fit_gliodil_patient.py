"""One method on one of GliODIL's synthetic patients, its density beside the true one, and its plan."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.nifti import save_volume
    from gliofit.evaluation.gliodil_scores import fit_scores
    from gliofit.evaluation.score_file import Scores
    from gliofit.inversion.fit_file import save_fit
    from gliofit.inversion.patient_problem import patient_problem
    from gliofit.inversion.registry import invert, ready
    from gliofit.synthetic.gliodil_patient import load_patient

    wildcards, params, output = snakemake.wildcards, snakemake.params, snakemake.output
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(1.0)
    patient, truth = load_patient(Path(snakemake.input.truth).parent, tissue)
    pet = wildcards.observed == "mri_pet"
    problem = patient_problem(patient, params.spacing, pet=pet)
    networks = ready(wildcards.method, snakemake.input.networks)
    options = {"networks": networks, "seed": params.seed, "threads": snakemake.threads, **params.settings}
    options["model"] = params.growth_model
    fit = invert(problem.target, problem.tissue, wildcards.method, **options)
    fit.case, fit.spacing = patient.patient.id, params.spacing
    fit.target = "segmentation and PET" if pet else "segmentation"
    density = patient.to_scan(fit.density, problem.tissue.affine)
    save_volume(output.density, density, patient.affine, "density")
    save_fit(output.summary, fit, output.volumes)
    scores = {**fit_scores(density, truth, patient), "seconds": fit.seconds}
    about = {"kind": patient.report["truth"]["recurrence"]["kind"]}
    Scores(fit.case, fit.method, scores, wildcards.foci, params.row, about).save(output.scores)
