"""Figure 4: patients' scans, segmentations and inferred densities."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.reporting.figures import PatientView, patients

    files = snakemake.input
    rows = zip(snakemake.params.names, files.scans, files.segmentations, files.densities, strict=True)
    patients(Path(snakemake.output.png).with_suffix(""), [PatientView.from_files(*row) for row in rows])
