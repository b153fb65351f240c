"""Read and check a patient's images; what is doubtful is noted, and said on the terminal before any long work."""

import os

from gliofit.pipeline.jobs import job

terminal = os.dup(2)
with job(snakemake):
    from gliofit.base.errors import InputError
    from gliofit.base.files import write_text
    from gliofit.patients.sample_sheet import Patient
    from gliofit.patients.scans import check_patient

    if snakemake.params.refused:
        raise InputError(snakemake.params.refused)
    patient = Patient(**snakemake.params.patient)
    print(patient.roles)
    warnings = check_patient(patient)
    for warning in warnings:
        print(f"Warning: {warning}")
        os.write(terminal, f"Warning: {warning}\n".encode())
    write_text(snakemake.output[0], "".join(f"{warning}\n" for warning in warnings) or "OK\n")
