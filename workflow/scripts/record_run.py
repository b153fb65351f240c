"""What made the results of this run: commits, machines and configs."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.evaluation.run_record import record_run

    files = snakemake.input
    fits = {
        "fits to test cases": files.cases,
        "fits of Table 3": files.patients,
        "fits to GliODIL's synthetic patients": files.in_silico,
    }
    notes = {"errors and times of surrogates": files.surrogates}
    record_run(fits, notes, snakemake.params.configs).save(snakemake.output[0])
