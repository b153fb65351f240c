"""The page of results: tables of this run beside the paper's numbers."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.results_doc import Results, Rows, Table, write_page

    params, files = snakemake.params, snakemake.input
    tables = map(Table, files.tables, files.printed)
    results = Results(
        dict(zip(params.tables, tables, strict=True)),
        files.metrics,
        config=files.config,
        run=files.run,
        titles=params.titles,
        rows=Rows(params.errors, params.times, params.told),
        forward=next(iter(files.forward), None),
        in_silico=next(iter(files.in_silico), None),
        cards=dict(zip(params.networks, files.cards, strict=True)),
    )
    write_page(results, snakemake.output.page, dict(zip(params.figures, files.figures, strict=True)))
