"""Read and check a patient's images; what is doubtful is noted."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import write_text
    from gliofit.patients.sample_sheet import Patient
    from gliofit.patients.scans import check_patient

    warnings = check_patient(Patient(**snakemake.params.patient))
    write_text(snakemake.output[0], "".join(f"{warning}\n" for warning in warnings) or "OK\n")
