"""One method on a patient as in the paper's Table 3: the reference method's density is what is observed."""

from gliofit.workflow import job

with job(snakemake):
    from gliofit.growth import simulate
    from gliofit.inversion.registry import invert, ready
    from gliofit.theta import Theta
    from gliofit.tissue import Tissue
    from gliofit.workflow import read_json, versions, write_json

    method, params, threads = snakemake.wildcards.method, snakemake.params, snakemake.threads
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    networks = ready(method, snakemake.input.networks)
    truth = read_json(snakemake.input.reference)["theta"]
    target = simulate(tissue, Theta.from_dict(truth), threads=threads)
    fit = invert(target, tissue, method, networks=networks, seed=params.seed, threads=threads, **params.settings)
    case = {"case": snakemake.wildcards.patient, "true_theta": truth}
    write_json(snakemake.output[0], [{**case, **fit.summary(), "versions": versions()}])
