"""
The picture of docs/dicom.md: a simulated tumour on MNI152, its plans in DICOM, and their contours read back.

`python benchmarks/dicom_picture.py docs/images/dicom.png`
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from gliofit import Theta, simulate
from gliofit.anatomy.atlas import load_mni152
from gliofit.base.files import write_json
from gliofit.base.nifti import save_volume
from gliofit.planning.dicom.folder import write_folder
from gliofit.planning.dicom.structures import structures
from gliofit.planning.plans import model_plan, standard_plan
from gliofit.reporting.figures.contours import contour_picture

THETA = Theta(origin=(-26.0, -14.0, 22.0), mu_D=13.0, mu_rho=3.9)


def main(path: str) -> None:
    """Draw it."""
    head = load_mni152(2)
    tissue = head.tissue
    brain = tissue.wm + tissue.gm + tissue.csf > 0.5
    density = np.asarray(simulate(tissue, THETA), np.float32) * brain
    core = density > 0.6
    standard = standard_plan(core, brain, tissue.spacing)
    plan = model_plan(density, int(standard.sum()), brain)
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch)
        masks = {"prepared/core": core, "plans/standard": standard, "plans/gauss_newton": plan}
        for name, mask in masks.items():
            save_volume(results / f"{name}.nii.gz", mask.astype(np.uint8), tissue.affine, "mask")
        save_volume(results / "gauss_newton.nii.gz", density, tissue.affine, "density")
        row = SimpleNamespace(id="simulated", t1c=None, t1="t1.nii.gz", scan="t1.nii.gz")
        patient = SimpleNamespace(affine=tissue.affine, scan=head.t1, patient=row, folder=None)
        found = structures(results, ["gauss_newton"], [0.01, 0.5], 15)
        write_json(results / "dicom.json", write_folder(results / "dicom", patient, found, {}))
        contour_picture(results, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
