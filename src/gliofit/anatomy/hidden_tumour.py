"""
A tumour that a registration must not see.

A metric's mask alone does not hide it: tools smooth an image before they mask it, and a window of cross-correlation
reaches across the mask's edge, so that a bright ring pulls the tissue around it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array

SCALES_MM = (3.0, 6.0, 12.0, 24.0, 48.0, 96.0)
"""Standard deviations of the Gaussians that fill a hole, the finest that reaches from its edge to a voxel."""

REACH = 3
"""Standard deviations at which a Gaussian ends."""

REACHES = 0.05
"""Share of a Gaussian's weight that must lie on tissue that is seen."""


def widened(mask: Array, affine: Array, rim_mm: float) -> Array:
    """A mask [x, y, z] with a rim of `rim_mm` around it, bool."""
    mask = np.asarray(mask, bool)
    if not mask.any() or rim_mm <= 0:
        return mask
    edges = grids.spacing_of(affine)
    box = grids.box_of(mask, np.ceil(rim_mm / edges).astype(int))
    wide = np.zeros_like(mask)
    wide[box] = ndimage.distance_transform_edt(~mask[box], edges) <= rim_mm
    return wide


def filled(image: Array, brain: Array, hidden: Array, affine: Array) -> Array:
    """
    The image with what is hidden filled from the brain around it: normalised Gaussian means, finest near the edge.

    Parameters
    ----------
    image : ndarray [x, y, z]
        0 outside the brain.
    brain : ndarray [x, y, z]
        Share of each voxel in the brain, [0, 1].
    hidden : ndarray of bool [x, y, z]
    affine : ndarray (4, 4)

    Returns
    -------
    ndarray [x, y, z], float32
    """
    out = np.array(image, np.float32)
    seen = ((brain > 0.5) & ~hidden).astype(np.float32)
    lit = image * seen
    holes = hidden & (brain > 0)
    edges = grids.spacing_of(affine)
    for scale in SCALES_MM:
        if not holes.any():
            break
        box = grids.box_of(holes, np.ceil(REACH * scale / edges).astype(int) + 1)
        share = ndimage.gaussian_filter(seen[box], scale / edges, truncate=REACH)
        mean = ndimage.gaussian_filter(lit[box], scale / edges, truncate=REACH)
        reached = holes[box] & (share > REACHES)
        out[box][reached] = brain[box][reached] * mean[reached] / share[reached]
        holes[box] &= ~reached
    out[holes] = 0
    return out
