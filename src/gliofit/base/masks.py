"""How large the things are that masks show."""

from __future__ import annotations

import numpy as np

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
