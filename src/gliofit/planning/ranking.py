"""
The order in which voxels are taken into plans, as a density that says it by itself.

A plan takes the voxels where a density is highest. Two things are left open where a density is stored: which of equal
voxels come first, and which of those without any cells. Programs that cut at a threshold can say neither.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from gliofit.base.arrays import Array

NEGLIGIBLE = 1e-12
"""Densities below this are no cells; it is also the largest value that a voxel without cells gets."""

DECADES = 6.0
"""Over which values without cells fall off, from the cells to the farthest voxel."""


def positive_everywhere(density: Array, brain: Array, spacing: ArrayLike, near: Array | None = None) -> Array:
    """
    A density that is positive in all of the brain and nowhere twice the same, in the order of plans.

    What PredictGBM asks of a prediction: its plan is a super-level set, which is smaller than the standard plan where
    too few voxels are positive, and empty or too large where many share a value.

    Parameters
    ----------
    density : ndarray [x, y, z]
        In [0, 1].
    brain : ndarray of bool [x, y, z]
    spacing : array_like (3,)
        mm.
    near : ndarray of bool [x, y, z], optional
        Stands for the cells of a density that has none.

    Returns
    -------
    ndarray [x, y, z], float32
        0 outside the brain. Inside, at most 1e-12 where there are no cells, less the farther (mm, Euclidean) from
        them; elsewhere the density, lowered by as few of float32's smallest steps as make equal voxels different.
        Of equal voxels, those nearer to voxels without cells come later, then those later in the array.
    """
    out = np.zeros(density.shape, np.float32)
    if not brain.any():
        return out
    c = np.where(brain, np.clip(density, 0, 1), 0).astype(np.float32)
    cells = c >= NEGLIGIBLE
    start = cells if cells.any() or near is None else near & brain
    if not start.any():
        start = brain
    away = ndimage.distance_transform_edt(~start, sampling=spacing)
    faded = NEGLIGIBLE * 10 ** (-DECADES * away / max(float(away[brain].max()), 1.0)) * 0.9
    out[brain] = _distinct(np.where(cells, c, faded)[brain].astype(np.float32), away[brain])
    return out


def _distinct(values: Array, away: Array) -> Array:
    """
    Positive float32 values (n,), lowered to be all different; of equal ones, the later and the farther away get less.

    The bits of positive floats, read as integers, are in the floats' order, and neighbours differ by one.
    """
    order = np.lexsort((-np.arange(values.size), -away, values))
    steps = values[order].view(np.int32).astype(np.int64) - np.arange(values.size)
    lowered = np.minimum.accumulate(steps[::-1])[::-1] + np.arange(values.size)
    out = np.empty_like(values)
    out[order] = lowered.astype(np.int32).view(np.float32)
    return out
