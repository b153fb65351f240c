"""The page of results: tables of this run beside the paper's numbers."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.results_doc import Results, write_page

    params, files = snakemake.params, snakemake.input
    pictures = dict(zip(params.names, files.figures, strict=True))
    cards = dict(zip(params.networks, files.get("cards", []), strict=True))
    write_page(Results("results", params.titles, cards, params.configs), snakemake.output.page, pictures)
