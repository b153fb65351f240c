"""Sample the posterior of a simulated or a real patient, on the numerical solver or on the surrogate."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from time import process_time

    import numpy as np

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import whole_file, write_json
    from gliofit.evaluation.bayesian_scores import described, scores
    from gliofit.growth import compile_kernels, simulate
    from gliofit.growth.theta import Theta
    from gliofit.inversion.patient_problem import patient_problem
    from gliofit.inversion.registry import invert
    from gliofit.inversion.samples import save_samples
    from gliofit.networks.weights import load_network
    from gliofit.patients.prepared import load_prepared
    from gliofit.synthetic.drawn_scan import draw_imaging, draw_scan
    from gliofit.synthetic.prior import Prior, samples

    files, params, output, wildcards = snakemake.input, snakemake.params, snakemake.output, snakemake.wildcards
    compile_kernels()
    truth, true_density = None, None
    if files.prepared:
        problem = patient_problem(load_prepared(Path(files.prepared[0]).parent), params.spacing)
        target, tissue = problem.target, problem.tissue
    else:
        index = int(wildcards.case.rpartition("-")[2])
        tissue = Tissue.from_nifti(*files.tissue).working_grid(params.spacing)
        *_, drawn = samples(tissue, Prior(**params.prior), index + 1, (params.seed, 5))
        rng = np.random.default_rng([params.seed, 5, index])
        imaging, true_density = draw_imaging(rng), drawn.density
        target = draw_scan(true_density, tissue, imaging, rng)
        truth = dict(zip(("x", "y", "z", "mu_D", "mu_rho"), drawn.theta.to_array().tolist(), strict=True)) | imaging
    networks = {"surrogate": load_network(files.surrogate, "surrogate")} if wildcards.forward == "surrogate" else {}
    options = {"networks": networks, "seed": params.seed, "threads": snakemake.threads, "forward": wildcards.forward}
    # both see the grid that simulated patients were grown on and that the surrogate has learnt
    options |= {"predictive": 0, "finer": 0}
    started = process_time()
    fit = invert(target, tissue, params.method, **options | params.settings)
    fit.cpu_seconds = process_time() - started
    likely = fit.details["most_likely"]
    density = simulate(tissue, Theta.from_array(np.array(list(likely.values())[:5])), threads=snakemake.threads)
    print(f"{fit.evaluations} runs, {fit.cpu_seconds:.0f} CPU s, {fit.reason}", *fit.warnings, sep="\n")
    about = {"case": wildcards.case, "forward": wildcards.forward, "converged": fit.converged}
    about |= {"scores": scores(fit, density, truth, true_density), "parameters": described(fit, truth)}
    with whole_file(output.density) as part:
        np.savez_compressed(part, density=density)
    save_samples(output.samples, fit.posterior)
    write_json(output.summary, about)
