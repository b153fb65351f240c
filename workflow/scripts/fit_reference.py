"""One method on a patient as in the paper's Table 3: the reference method's density is what is observed."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.growth import growth_model
    from gliofit.inversion.fit_file import load_fit, save_fit
    from gliofit.inversion.registry import describe, invert, ready
    from gliofit.patients.prepared import atlas_grid, load_prepared

    method, params, threads = snakemake.wildcards.method, snakemake.params, snakemake.threads
    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    tissue = patient.tissue.working_grid(params.spacing)
    morph = patient.morph(atlas_grid(snakemake.input.atlas, params.spacing))
    networks = ready(method, snakemake.input.networks)
    # what is observed was grown on this very grid: a sampler has nothing to correct
    settings = ({"finer": 0} if describe(method).posterior else {}) | params.settings
    reference = load_fit(snakemake.input.reference)
    target = reference.density_on(tissue, threads=threads)
    options = {"networks": networks, "seed": params.seed, "threads": threads, "morph": morph}
    options["model"] = growth_model(params.growth_model).with_one_focus()
    fit = invert(target, tissue, method, **options, **settings)
    fit.case, fit.target, fit.spacing, fit.true_theta = (
        snakemake.wildcards.patient,
        "density",
        params.spacing,
        reference.theta,
    )
    save_fit(snakemake.output.summary, fit, snakemake.output.volumes)
