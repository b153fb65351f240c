"""One method on some of the simulated test cases, whose density is observed: θ̂ and how it was found."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from time import process_time

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import read_json
    from gliofit.growth import growth_model, simulate
    from gliofit.growth.theta import Theta
    from gliofit.inversion.fit_file import save_fits
    from gliofit.inversion.registry import describe, invert, ready

    wildcards, params, threads = snakemake.wildcards, snakemake.params, snakemake.threads
    method = wildcards.method
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    model = growth_model(params.growth_model).with_one_focus()
    networks = ready(method, snakemake.input.networks)
    # what is observed was grown on this very grid: a sampler has nothing to correct
    settings = ({"finer": 0} if describe(method).posterior else {}) | params.settings
    cases, fits = read_json(snakemake.input.cases), []
    for index in range(int(wildcards.first), int(wildcards.last) + 1):
        case = cases[index]
        truth = Theta.from_dict(case["theta"])
        target = simulate(tissue, truth, threads=threads)
        seed, started = params.seed + index, process_time()
        options = {"networks": networks, "seed": seed, "threads": threads, "model": model}
        fit = invert(target, tissue, method, **options, **settings)
        print(f"{case['case']}: loss {fit.loss:.3g}, {fit.seconds:.1f} s, {fit.reason}", flush=True)
        fit.case, fit.target, fit.spacing, fit.true_theta = case["case"], "density", params.spacing, truth
        fit.cpu_seconds = process_time() - started
        fits.append(fit)
    save_fits(snakemake.output.fits, fits, snakemake.output.volumes)
