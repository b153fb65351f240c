"""What networks with different targets infer from the outlines of a shard's tumours."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import write_text
    from gliofit.base.threads import torch_threads
    from gliofit.evaluation.lmi_scores import TestTumours, load_networks, score

    files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    tissue = Tissue.from_nifti(*files.tissue).working_grid(params.spacing)
    networks = load_networks(dict(zip(params.names, files.networks, strict=True)))
    tests = TestTumours([files.tests], tissue)
    name = f"{wildcards.model}_{wildcards.shard}"
    with torch_threads(snakemake.threads):
        how = {"refine": params.refine, "threads": snakemake.threads}
        table = score(tests, networks, wildcards.model, params.gamma, name, **how)
    write_text(snakemake.output[0], table.to_csv(index=False))
