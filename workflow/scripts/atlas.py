"""Bring an anatomy's files to one RAS grid, proven to overlap."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.atlas import load_anatomy

    wheel = next(iter(snakemake.input.files), None)
    anatomy = load_anatomy(snakemake.params.choice, wheel)
    print(f"brain Dice of T1 and tissue maps: {anatomy.brain_dice:.3f}")
    anatomy.save(Path(snakemake.output.t1).parent)
