"""Standard deviation of a fitted density, voxel by voxel, on the scan's own grid."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.nifti import save_volume
    from gliofit.patients import load_prepared
    from gliofit.uncertainty import deviation_of_fit
    from gliofit.workflow import read_json

    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    tissue = patient.tissue.working_grid(snakemake.params.spacing)
    deviation = deviation_of_fit(tissue, read_json(snakemake.input.summary), snakemake.threads)
    save_volume(snakemake.output[0], patient.to_scan(deviation, tissue.affine), patient.affine)
