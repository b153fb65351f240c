"""Visible volumes of the simulated tumours and of the patients' segmentations."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import numpy as np

    from gliofit.base.files import read_json
    from gliofit.base.nifti import load_volume
    from gliofit.reporting.figures import volumes

    patients = []
    for path in snakemake.input.whole:
        image = load_volume(path)
        patients.append(np.count_nonzero(image.data) * abs(np.linalg.det(image.affine[:3, :3])) / 1000)
    simulated = [case["volume_ml"] for case in read_json(snakemake.input.cases)]
    volumes(Path(snakemake.output.png).with_suffix(""), simulated, patients)
