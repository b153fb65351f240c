"""Whether an atlas's tissue lies where the scan shows it: a score of what is inside the brain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array

DEEP_MM = 10.0
"""From the brain's surface: nearer to it, the fit of the brains' outlines, which a flip does not change, decides."""

TUMOUR_MM = 4.0
"""The tumour and this rim around it are left out."""

CLIP = (1.0, 99.0)
"""Percentiles that intensities are clipped to."""

GOOD = 0.27
"""
On the four shared patients with a T1, registered right (`fast`, SRI24), 0.32 to 0.49; turned front to back, 0.11 to
0.20; a head turned half around, 0.26. The overlap of the brains is the same, 0.977 to 0.981. A mirror image, left to
right, changes neither score: brains are too symmetric for that.
"""

GRID_MM = 2.0
"""Coarse enough to be quick."""


def tissue_agreement(scan: Array, maps: Sequence[Array], brain: Array, tumour: Array, spacing: Array) -> float:
    """
    Share of a scan's variance, deep in the brain and away from the tumour, that tissue fractions explain (R²).

    The scan is fitted by a sum of the fractions, so that it may have any contrast.

    Parameters
    ----------
    scan : ndarray [x, y, z]
    maps : sequence of ndarray [x, y, z]
        WM, GM and CSF.
    brain, tumour : ndarray of bool [x, y, z]
    spacing : ndarray (3,)
        mm.

    Returns
    -------
    float
        At most 1; NaN where too little is left to tell by, or the scan is constant there.
    """
    step = tuple(slice(None, None, max(1, round(GRID_MM / edge))) for edge in spacing)
    edges = np.array(spacing) * [s.step for s in step]
    brain, tumour = brain[step], tumour[step]
    deep = ndimage.distance_transform_edt(np.pad(brain, 1), sampling=edges)[1:-1, 1:-1, 1:-1] > DEEP_MM
    if tumour.any():
        deep &= ndimage.distance_transform_edt(~tumour, sampling=edges) > TUMOUR_MM
    if np.count_nonzero(deep) < 1000:
        return float("nan")
    seen = scan[step][deep].astype(np.float64)
    seen = seen.clip(*np.percentile(seen, CLIP))
    total = ((seen - seen.mean()) ** 2).sum()
    if not total > 0:
        return float("nan")
    parts = np.stack([*(m[step][deep].astype(np.float64) for m in maps), np.ones(seen.size)], 1)
    weights, *_ = np.linalg.lstsq(parts, seen, rcond=None)
    return float(1 - ((seen - parts @ weights) ** 2).sum() / total)
