"""Masks: how large the things are that they show, and what grows, shrinks and fills them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array


def ball_radius(mask: Array, spacing: Array) -> float:
    """Radius (mm) of a ball with the volume of a mask, bool [x, y, z] on voxels with edges `spacing` (3,) mm."""
    return (3 * np.count_nonzero(mask) * float(np.prod(spacing)) / (4 * np.pi)) ** (1 / 3)


def surface(mask: Array, spacing: Array) -> float:
    """
    Area (mm²) of a mask's border.

    A digital surface is 3/2 times the smooth one's, on average over directions, and is divided by that.

    Parameters
    ----------
    mask : ndarray of bool [x, y, z]
    spacing : ndarray (3,)
        Voxel edges, mm.
    """
    faces = 0.0
    for axis in range(3):
        others = np.delete(spacing, axis)
        faces += np.count_nonzero(np.diff(mask.astype(np.int8), axis=axis)) * float(np.prod(others))
    return faces / 1.5


def dilated(mask: Array, steps: int = 1) -> Array:
    """
    A mask [x, y, z] with the voxels whose face touches it, `steps` times; nothing comes in from outside the grid.

    As `ndimage.binary_dilation`, in a tenth of its time: whole arrays move, not voxel after voxel.
    """
    for _ in range(steps):
        grown = mask.copy(order="K")
        for own, other in _neighbours(mask.ndim):
            grown[own] |= mask[other]
        mask = grown
    return mask


def eroded(mask: Array, steps: int = 1, outside: bool = False) -> Array:
    """A mask [x, y, z] without the voxels whose face touches what is not in it; `outside`: all beyond the grid is."""
    if outside:
        return ~dilated(~mask, steps)
    return ~dilated(np.pad(~mask, 1, constant_values=True), steps)[1:-1, 1:-1, 1:-1]


def without_holes(mask: Array) -> Array:
    """A mask [x, y, z], and what of the rest no way over faces of voxels leads out of the grid from."""
    pieces, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    return (pieces != pieces[0, 0, 0])[1:-1, 1:-1, 1:-1]


def _neighbours(dimensions: int) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """For each face of a voxel: all voxels that have a neighbour there, and these neighbours."""
    every = slice(None)
    found = []
    for axis in range(dimensions):
        ahead, behind = ((every,) * axis + (side,) for side in (slice(1, None), slice(None, -1)))
        found += [(ahead, behind), (behind, ahead)]
    return found
