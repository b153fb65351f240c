"""The picture of contours is drawn from the DICOM files, in the place and colour that they say."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from PIL import Image

from gliofit.base.files import write_json
from gliofit.base.nifti import Volume
from gliofit.planning.dicom.folder import write_folder
from gliofit.planning.dicom.structures import Structure
from gliofit.reporting.figures.contours import contour_picture


def test_contours_are_drawn_on_their_series(tmp_path):
    shape, affine = (24, 20, 8), np.diag([-1.0, -1.0, 3.0, 1.0])
    i, j, k = np.indices(shape)
    scan = Volume((100 + 10 * i).astype(np.float32), affine)
    row = SimpleNamespace(id="p", t1c="t1c.nii.gz", scan="t1c.nii.gz")
    patient = SimpleNamespace(affine=affine, shape=shape, scan=scan, patient=row, folder=None)
    ball = (i - 12) ** 2 + (j - 9) ** 2 + (3 * (k - 4)) ** 2 < 50
    found = [
        Structure("GTV", "GTV", ball, (255, 0, 0), "a ball"),
        Structure("one", "CTV", i + j + k == 0, (0, 255, 0), ""),
    ]
    write_json(tmp_path / "dicom.json", write_folder(tmp_path / "dicom", patient, found, {}))
    contour_picture(tmp_path, tmp_path / "dicom.png")
    pixels = np.asarray(Image.open(tmp_path / "dicom.png").convert("RGB")).astype(int)
    red = (pixels[..., 0] > 200) & (pixels[..., 1:] < 60).all(-1)
    # in each of the three panels
    height, width = red.shape
    for panel in range(3):
        part = red[: int(0.8 * height), panel * width // 3 : (panel + 1) * width // 3]
        rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
        assert np.ptp(rows) > 20
        assert abs(np.ptp(rows) / np.ptp(columns) - 1) < 0.15  # a ball on square pixels
