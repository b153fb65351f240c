"""Tissue and tumour masks in a patient's own space."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.anatomy import Anatomy
    from gliofit.patients.checked import load_checked
    from gliofit.patients.preparation import prepare_patient
    from gliofit.patients.sample_sheet import Patient

    params = snakemake.params
    patient = Patient(**params.patient)
    report = prepare_patient(
        patient,
        Anatomy.load(Path(snakemake.input.t1).parent, snakemake.threads, head=True),
        params.registration,
        Path(snakemake.output[0]).parent,
        threads=snakemake.threads,
        tumour_tissue=params.tumour_tissue,
        scans=load_checked(snakemake.input.check, patient),
    )
    print(report)
