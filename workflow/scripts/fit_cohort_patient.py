"""One method on one patient of the cohort, with one focus or as many as it finds, and its scores."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from time import process_time

    from gliofit.anatomy.tissue import Tissue
    from gliofit.evaluation.cohort_scores import fit_scores, foci_scores
    from gliofit.evaluation.score_file import Scores
    from gliofit.inversion.fit_file import save_fit
    from gliofit.inversion.patient_problem import patient_problem
    from gliofit.inversion.registry import invert, ready
    from gliofit.synthetic.cohort import load_patient

    wildcards, params, output = snakemake.wildcards, snakemake.params, snakemake.output
    patient, density, truth = load_patient(
        Path(snakemake.input.truth).parent, Tissue.from_nifti(*snakemake.input.tissue)
    )
    problem = patient_problem(patient, params.spacing)
    networks = ready(wildcards.method, snakemake.input.networks)
    options = {"networks": networks, "seed": params.seed, "threads": snakemake.threads, "model": params.growth_model}
    before = process_time()
    fit = invert(problem.target, problem.tissue, wildcards.method, **options, **params.settings)
    fit.cpu_seconds = process_time() - before
    fit.case, fit.spacing, fit.target = f"cohort-{wildcards.index}", params.spacing, "segmentation"
    save_fit(output.summary, fit, output.volumes)
    scores = fit_scores(patient.to_scan(fit.density, problem.tissue.affine), density, patient)
    if wildcards.sought == "auto":
        scores |= foci_scores(fit.model.get("foci", 1), len(truth.foci), truth.apart)
    scores |= {"cpu_seconds": fit.cpu_seconds}
    Scores(fit.case, fit.method, scores, "cohort", params.row).save(output.scores)
