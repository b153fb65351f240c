"""Raw scans of a patient, converted and brought together; what is doubtful is noted in their record."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.anatomy import Anatomy
    from gliofit.patients.raw.intake import bring_in
    from gliofit.patients.sample_sheet import Patient

    report = bring_in(
        Patient(**snakemake.params.patient),
        lambda: Anatomy.load(Path(snakemake.input.t1).parent),
        Path(snakemake.output[0]).parent,
    )
    for name, image in report["images"].items():
        print(f"{name}: {'; '.join(image['said'])}")
