"""Standard deviation of a fitted density, voxel by voxel, on the scan's own grid."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.nifti import save_volume
    from gliofit.inversion.fit_file import load_fit
    from gliofit.inversion.posterior.laplace import deviation_of_fit
    from gliofit.patients.prepared import load_prepared

    patient = load_prepared(Path(snakemake.input.prepared[0]).parent)
    tissue = patient.tissue.working_grid(snakemake.params.spacing)
    deviation = deviation_of_fit(tissue, load_fit(snakemake.input.summary), snakemake.threads)
    save_volume(snakemake.output[0], patient.to_scan(deviation, tissue.affine), patient.affine, "deviation")
