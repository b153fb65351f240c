"""Read and check a patient's images; what is doubtful is noted, and said on the terminal before any long work."""

import os

from gliofit.pipeline.jobs import job

terminal = os.dup(2)
with job(snakemake):
    from gliofit.base.errors import InputError
    from gliofit.base.files import write_text
    from gliofit.patients.checked import save_checked
    from gliofit.patients.sample_sheet import Patient
    from gliofit.patients.scans import load_scans

    if snakemake.params.refused:
        raise InputError(snakemake.params.refused)
    patient = Patient(**snakemake.params.patient)
    print(patient.roles)
    scans = load_scans(patient, snakemake.threads)
    for warning in scans.warnings:
        print(f"Warning: {warning}")
        os.write(terminal, f"Warning: {warning}\n".encode())
    save_checked(snakemake.output.scans, scans)
    write_text(snakemake.output.said, "".join(f"{warning}\n" for warning in scans.warnings) or "OK\n")
