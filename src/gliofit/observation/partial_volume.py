"""How much of a voxel lies above a threshold, as far as the density of its neighbours tells."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array

WIDTH = 0.16
"""
Of the logistic in place of a uniform distribution, of the range that is covered: that of the same standard deviation
(1/√12, against π/√3 of a logistic of width 1).
"""


def steepness_by_voxel(c: Array, steepness: float, index: Array | None = None) -> Array:
    """
    β of the sigmoid of c − τ that blurs a threshold in each voxel by the range of densities in it.

    Where a density is steep, a voxel on an isodensity lies partly above it, and a sharp threshold sees one voxel in ten
    of the surface; where it is flat, blur would take for partly explained what lies below the threshold altogether. The
    range is that of a linear reconstruction with limited slopes (minmod; van Leer 1979), so that the edge of the tissue
    is none.

    Parameters
    ----------
    c : ndarray [x, y, z]
        Density.
    steepness : float
        β where the density is flat.
    index : ndarray [voxels], optional
        Flat indices of those that are wanted; all if not given.

    Returns
    -------
    ndarray [x, y, z], or [voxels] with `index`
    """
    flat = c.ravel()
    wanted = np.arange(flat.size) if index is None else index
    here, squares = flat[wanted], np.zeros(wanted.size, c.dtype)
    for stride in (c.shape[1] * c.shape[2], c.shape[2], 1):
        # over a face of the grid lies the opposite one: air on a grid that covers a brain
        up = flat[np.minimum(wanted + stride, flat.size - 1)] - here
        down = here - flat[np.maximum(wanted - stride, 0)]
        squares += np.where(up * down > 0, np.minimum(up * up, down * down), 0)
    found = 1 / np.sqrt(1 / steepness**2 + WIDTH**2 * squares)
    return found.reshape(c.shape) if index is None else found
