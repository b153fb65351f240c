"""Where the surrogate is wrong: its error over the parameters and the volume."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.figures import case_errors, landscape

    frame = case_errors(snakemake.input.metrics, snakemake.params.method, "forward", "mse_crop")
    landscape(Path(snakemake.output.png).with_suffix(""), frame, "MSE over the crop")
