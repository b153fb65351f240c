"""One method on some of the simulated test cases, whose density is observed: θ̂ and how it was found."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from time import process_time

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import read_json, write_json
    from gliofit.base.versions import versions
    from gliofit.growth import simulate
    from gliofit.growth.theta import Theta
    from gliofit.inversion.registry import invert, ready

    method, params, threads = snakemake.wildcards.method, snakemake.params, snakemake.threads
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    networks = ready(method, snakemake.input.networks)
    first, last = map(int, snakemake.wildcards.chunk.split("-"))
    fits = []
    for index, case in list(enumerate(read_json(snakemake.input.cases)))[first : last + 1]:
        target = simulate(tissue, Theta.from_dict(case["theta"]), threads=threads)
        seed, started = params.seed + index, process_time()
        fit = invert(target, tissue, method, networks=networks, seed=seed, threads=threads, **params.settings)
        print(f"{case['case']}: loss {fit.loss:.3g}, {fit.seconds:.1f} s, {fit.reason}", flush=True)
        about = {"case": case["case"], "true_theta": case["theta"], "cpu_seconds": process_time() - started}
        fits.append({**about, **fit.summary(), "versions": versions()})
    write_json(snakemake.output[0], fits)
