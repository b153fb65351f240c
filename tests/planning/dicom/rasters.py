"""A reader of structure sets for tests, written from the standard alone: which voxel centres lie inside a contour."""

from __future__ import annotations

import numpy as np
from matplotlib.path import Path as Polygon
from pydicom.dataset import Dataset


def masks_of(structure_set: Dataset, headers: list[Dataset]) -> dict[str, np.ndarray]:
    """Structure's name → mask [column, row, slice] in the order of `headers`, by the images that contours refer to."""
    names = {roi.ROINumber: roi.ROIName for roi in structure_set.StructureSetROISequence}
    where = {h.SOPInstanceUID: (k, h) for k, h in enumerate(headers)}
    rows, columns = int(headers[0].Rows), int(headers[0].Columns)
    column, row = (a.ravel() for a in np.indices((columns, rows)))
    out = {}
    for roi in structure_set.ROIContourSequence:
        mask = np.zeros((columns, rows, len(headers)), bool)
        for contour in roi.ContourSequence:
            k, image = where[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
            axes = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
            points = np.array(contour.ContourData, float).reshape(-1, 3) - np.array(image.ImagePositionPatient, float)
            # the contour lies in the plane of the image that it refers to
            np.testing.assert_allclose(points @ np.cross(*axes), 0, atol=1e-3)
            between_rows, between_columns = (float(v) for v in image.PixelSpacing)
            corners = np.column_stack([points @ axes[0] / between_columns, points @ axes[1] / between_rows])
            closed = Polygon(np.vstack([corners, corners[:1]]), closed=True)
            mask[:, :, k] ^= closed.contains_points(np.column_stack([column, row])).reshape(columns, rows)
        out[names[roi.ReferencedROINumber]] = mask
    return out
