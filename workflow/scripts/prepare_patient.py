"""Tissue and tumour masks in a patient's own space."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.atlas import Anatomy
    from gliofit.preparation import prepare_patient
    from gliofit.sample_sheet import Patient

    params = snakemake.params
    report = prepare_patient(
        Patient(**params.patient),
        Anatomy.load(Path(snakemake.input.t1).parent),
        params.registration,
        Path(snakemake.output[0]).parent,
        threads=snakemake.threads,
        tumour_tissue=params.tumour_tissue,
    )
    print(report)
