"""One method on a patient's segmentation, and PET if there is any; the density goes back to the patient's own space."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.nifti import save_volume
    from gliofit.inversion.fit_file import save_fit
    from gliofit.inversion.patient_problem import patient_problem
    from gliofit.inversion.posterior_files import write_posterior
    from gliofit.inversion.registry import invert, ready
    from gliofit.patients.prepared import atlas_grid, load_prepared

    method, params, output = snakemake.wildcards.method, snakemake.params, snakemake.output
    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    problem = patient_problem(patient, params.spacing)
    networks = ready(method, snakemake.input.networks)
    morph = patient.morph(atlas_grid(snakemake.input.atlas, params.spacing))
    options = {"networks": networks, "seed": params.seed, "threads": snakemake.threads, "morph": morph}
    options["model"] = params.growth_model
    folder = Path(output.summary).with_suffix("")
    if params.checkpoint:  # not in that folder, which Snakemake empties of outputs before it tries a job again
        options["checkpoint"] = params.checkpoint
    fit = invert(problem.target, problem.tissue, method, **options, **params.settings)
    fit.case, fit.spacing = snakemake.wildcards.patient, params.spacing
    fit.target = "segmentation" if patient.fet is None else "segmentation and PET"
    save_volume(output.density, patient.to_scan(fit.density, problem.tissue.affine), patient.affine, "density")
    save_fit(output.summary, fit, output.volumes)
    if params.checkpoint:
        write_posterior(folder, fit, patient, problem.tissue.affine)
        whole = Path(params.checkpoint)
        for path in whole.parent.iterdir():  # those of a coarser grid and of rounds are beside it
            if path.name.startswith(whole.name):
                path.unlink()
