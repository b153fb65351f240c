"""
The order of a series' voxels: columns, rows and slices of a volume that may be stored along other axes.

Nothing is resampled. A volume's axes are taken in another order, and turned around, until they are the series'.
"""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError

LOOKS = {"S": "LPS", "R": "PIR", "L": "PIR", "A": "LIP", "P": "LIP", "I": "LPS"}
"""
The axis that slices follow one another along → where columns, rows and slices go, as viewers show it: axial, sagittal,
coronal. With the slices along columns × rows.
"""

OFF = 0.01
"""Voxels that a volume's corners may lie beside those of its series (headers are rounded)."""


def as_series(affine: Array, shape: tuple) -> tuple[tuple, Array]:
    """
    Shape and affine of the series that a volume is written as: the same voxels in DICOM's order.

    Slices are taken across the axis that leaves the squarest pixels; of equal ones, the most axial.

    Parameters
    ----------
    affine : ndarray (4, 4)
        Voxel → mm, RAS.
    shape : tuple of int

    Returns
    -------
    shape : tuple of int
        Columns, rows, slices.
    affine : ndarray (4, 4)
        Column, row, slice → mm, RAS.
    """
    edges = grids.spacing_of(affine)
    names = nib.aff2axcodes(affine)
    preferred = "SIAPRL"
    pixels = {axis: np.delete(edges, axis) for axis in range(3)}
    stretch = {axis: round(float(p.max() / p.min()), 2) for axis, p in pixels.items()}
    across = min(range(3), key=lambda axis: (stretch[axis], preferred.index(names[axis])))
    wanted = nib.orientations.axcodes2ornt(LOOKS[names[across]])
    change = nib.orientations.ornt_transform(nib.io_orientation(affine), wanted)
    order = np.argsort(change[:, 0])
    return tuple(np.array(shape)[order]), affine @ nib.orientations.inv_ornt_aff(change, shape)


def on_series(data: Array, affine: Array, series: Array, shape: tuple) -> Array:
    """
    A volume's voxels in the order of a series.

    Parameters
    ----------
    data : ndarray [x, y, z]
    affine, series : ndarray (4, 4)
        Voxel → mm of the volume; column, row, slice → mm of the series; RAS.
    shape : tuple of int
        Columns, rows and slices of the series.

    Returns
    -------
    ndarray [column, row, slice]

    Raises
    ------
    InputError
        If the volume lies on another grid.
    """
    index = np.linalg.inv(series) @ affine
    change = np.column_stack([np.abs(index[:3, :3]).argmax(0), np.sign(index[:3, :3]).sum(0)])
    near = np.abs(index[:3, :3]).max(0)
    if sorted(change[:, 0]) == [0, 1, 2] and np.allclose(near, 1, atol=OFF):
        change[:, 1] = [np.sign(index[int(to), axis]) for axis, (to, _) in enumerate(change)]
        turned = nib.orientations.apply_orientation(data, change)
        found = affine @ nib.orientations.inv_ornt_aff(change, data.shape)
        if turned.shape == tuple(shape) and _apart(found, series, shape) < OFF:
            return turned
    raise InputError(
        f"a volume of {data.shape} voxels doesn't lie on the grid of its DICOM series, {tuple(map(int, shape))}: the "
        "patient was prepared from another scan"
    )


def _apart(affine: Array, other: Array, shape: tuple) -> float:
    """How far, in voxels, two affines put a grid's corners apart at most."""
    corners = np.array(list(itertools.product(*[(0, n - 1) for n in shape])))
    return float(np.abs(grids.to_voxel(other, grids.to_world(affine, corners)) - corners).max())
