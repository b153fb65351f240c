"""One method on one of GliODIL's synthetic patients, its density beside the true one, and its plan."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.clinical import defined
    from gliofit.gliodil_patients import load_patient, problem_of
    from gliofit.gliodil_scores import fit_scores
    from gliofit.inversion.registry import invert, ready
    from gliofit.nifti import save_volume
    from gliofit.tissue import Tissue
    from gliofit.workflow import versions, write_json

    wildcards, params, output = snakemake.wildcards, snakemake.params, snakemake.output
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(1.0)
    patient, truth = load_patient(Path(snakemake.input.truth).parent, tissue)
    problem = problem_of(patient, params.spacing, wildcards.observed)
    networks = ready(wildcards.method, snakemake.input.networks)
    options = {"networks": networks, "seed": params.seed, "threads": snakemake.threads, **params.settings}
    fit = invert(problem.target, problem.tissue, wildcards.method, **options)
    density = patient.to_scan(fit.density, problem.tissue.affine)
    save_volume(output.density, density, patient.affine)
    scores = {**fit_scores(density, truth, patient), "seconds": fit.seconds}
    case = {"case": patient.patient.id, "set": wildcards.foci, "observed": wildcards.observed}
    write_json(output.summary, {**case, **fit.summary(), "scores": defined(scores), "versions": versions()})
