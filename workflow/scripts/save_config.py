"""The config as it was used, defaults and overrides together."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    import yaml

    from gliofit.base.files import write_text

    write_text(snakemake.output[0], yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True))
