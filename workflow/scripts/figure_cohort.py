"""Shapes of the cohort's outlines beside those of real segmentations and of the plain prior."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import read_json, write_text
    from gliofit.evaluation.outline_shapes import shapes
    from gliofit.reporting.figures.cohort import cohort_shapes
    from gliofit.synthetic.cohort import plain_outlines
    from gliofit.synthetic.prior import Prior

    params, output = snakemake.params, snakemake.output
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    made = [read_json(path) for path in snakemake.input.shapes]
    drawn = plain_outlines(tissue, Prior(**params.prior), len(made), params.seed, snakemake.threads)
    plain = [shapes(core, whole, tissue.spacing) for core, whole in drawn]
    frame = pd.concat([pd.DataFrame(rows).assign(of=name) for name, rows in (("cohort", made), ("prior", plain))])
    write_text(output.csv, frame.to_csv(index=False))
    cohort_shapes(Path(output.png).with_suffix(""), frame)
