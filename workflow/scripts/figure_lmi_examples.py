"""Figures 3, 4 and 6 of Learn-Morph-Infer: inferred tumours beside true ones, on the first test tumours."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.threads import torch_threads
    from gliofit.evaluation.lmi_examples import by_model, by_targets
    from gliofit.evaluation.lmi_scores import TestTumours, load_networks
    from gliofit.reporting.figures.lmi import examples

    files, params = snakemake.input, snakemake.params
    tissue = Tissue.from_nifti(*files.tissue).working_grid(params.spacing)
    names = [tuple(name) for name in params.names]
    networks = load_networks(dict(zip(names, files.networks, strict=True)))
    tests = {model: TestTumours([path], tissue) for model, path in zip(params.models, files.tests, strict=True)}
    shown = by_targets if snakemake.wildcards.figure == "lmi_targets" else by_model
    with torch_threads(snakemake.threads):
        rows = shown(tests, networks, params.gamma, params.number, snakemake.threads)
    examples(Path(snakemake.output.png).with_suffix(""), tissue, rows)
