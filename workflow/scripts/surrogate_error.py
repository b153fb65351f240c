"""A surrogate's error on every test case of a set."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import read_json, write_text
    from gliofit.base.threads import torch_threads
    from gliofit.evaluation.made_by import save_note
    from gliofit.evaluation.surrogate_scores import compare, table_rows
    from gliofit.growth.theta import Theta
    from gliofit.networks import load_surrogate

    params, threads = snakemake.params, snakemake.threads
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    surrogate = load_surrogate(snakemake.input.weights)
    cases = read_json(snakemake.input.cases)
    with torch_threads(threads):
        rows = [compare(tissue, Theta.from_dict(case["theta"]), surrogate, threads).errors() for case in cases]
    table = table_rows([case["case"] for case in cases], params.row, rows)
    write_text(snakemake.output.metrics, table.to_csv(index=False))
    save_note(snakemake.output.made_by)
