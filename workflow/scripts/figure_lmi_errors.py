"""Figure 5 of Learn-Morph-Infer: where the error of the network for μ_D, μ_ρ and the origin is large."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.figures import case_errors, landscape

    frame = case_errors(snakemake.input.metrics, snakemake.params.method, "lmi", "mae_wm")
    landscape(Path(snakemake.output.png).with_suffix(""), frame, "MAE in white matter")
