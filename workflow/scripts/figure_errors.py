"""Figure 3: how errors are distributed by method. Figure 5: where those of the gradient-based fit are large."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.figures import case_errors, distribution, landscape

    params, metrics = snakemake.params, snakemake.input.metrics
    stem = Path(snakemake.output.png).with_suffix("")
    if snakemake.wildcards.figure == "3":
        distribution(stem, metrics, params.methods, titles=params.titles, cases=params.cases)
    else:
        landscape(stem, case_errors(metrics, "gb_surrogate", params.cases))
