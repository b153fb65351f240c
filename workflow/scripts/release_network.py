"""A trained network with its test figures, as resources/weights has it."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.training.release import release

    files = snakemake.input
    tests: dict[str, list[str]] = {}
    for anatomy, path in zip(snakemake.params.anatomies, files.tests, strict=True):
        tests.setdefault(anatomy, []).append(path)
    release(
        files.weights,
        files.log,
        tests,
        snakemake.output[0],
        about=snakemake.params.get("about", ""),
        threads=snakemake.threads,
    )
