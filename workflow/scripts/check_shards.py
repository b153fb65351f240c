"""Check every shard against the specification; the first fault ends the run."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.errors import InputError
    from gliofit.base.files import write_text
    from gliofit.synthetic.check_shards import fault

    shards = list(snakemake.input)
    for shard in shards:
        if found := fault(shard):
            raise InputError(f"{shard}: {found}")
    write_text(snakemake.output[0], "".join(f"{shard}: OK\n" for shard in shards))
