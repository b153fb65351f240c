"""One method on a patient as in the paper's Table 3: the reference method's density is what is observed."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import read_json, write_json
    from gliofit.base.versions import versions
    from gliofit.growth import simulate
    from gliofit.growth.theta import Theta
    from gliofit.inversion.registry import invert, ready
    from gliofit.patients.prepared import atlas_grid, load_prepared

    method, params, threads = snakemake.wildcards.method, snakemake.params, snakemake.threads
    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    tissue = patient.tissue.working_grid(params.spacing)
    morph = patient.morph(atlas_grid(snakemake.input.atlas, params.spacing))
    networks = ready(method, snakemake.input.networks)
    truth = read_json(snakemake.input.reference)["theta"]
    target = simulate(tissue, Theta.from_dict(truth), threads=threads)
    options = {"networks": networks, "seed": params.seed, "threads": threads, "morph": morph}
    fit = invert(target, tissue, method, **options, **params.settings)
    case = {"case": snakemake.wildcards.patient, "true_theta": truth}
    write_json(snakemake.output[0], [{**case, **fit.summary(), "versions": versions()}])
