"""Voxel grids: moving arrays between affines without losing mass or inventing orientation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array


def spacing_of(affine: Array) -> Array:
    """Voxel edge lengths (3,) in mm of a 4×4 affine."""
    return np.linalg.norm(np.asarray(affine)[:3, :3], axis=0)


def to_voxel(affine: Array, points_mm: Array) -> Array:
    """World coordinates (…, 3) in mm → continuous voxel indices."""
    inverse = np.linalg.inv(affine)
    return np.asarray(points_mm) @ inverse[:3, :3].T + inverse[:3, 3]


def to_world(affine: Array, voxels: Array) -> Array:
    """Continuous voxel indices (…, 3) → world coordinates in mm."""
    return np.asarray(voxels) @ affine[:3, :3].T + affine[:3, 3]


def shifted(affine: Array, offset: Array) -> Array:
    """Affine of the same grid after its first voxel moved by `offset` voxels."""
    moved = np.array(affine, float)
    moved[:3, 3] = to_world(affine, np.asarray(offset, float))
    return moved


def box_of(mask: Array, margin: int | Array = 0) -> tuple[slice, slice, slice]:
    """The smallest box with all of a mask [x, y, z] that is not empty, and `margin` voxels around, within the grid."""
    sides = []
    for axis, room in enumerate(np.broadcast_to(margin, 3).tolist()):
        inside = np.flatnonzero(mask.any(tuple({0, 1, 2} - {axis})))
        sides.append(slice(max(0, int(inside[0]) - room), min(mask.shape[axis], int(inside[-1]) + 1 + room)))
    return sides[0], sides[1], sides[2]


def aligned_grid(affine: Array, mask: Array, spacing: float, margin_mm: float = 4.0) -> tuple[tuple, Array]:
    """
    The smallest RAS-aligned grid of `spacing` mm that covers `mask`.

    Every working grid has the same anatomical orientation this way, whatever the
    scan's own, so that networks see left on the left.

    Returns
    -------
    shape : tuple of int
    affine : ndarray (4, 4)
        Positive diagonal; the origin is a multiple of the spacing, so that grids of
        one anatomy at several spacings nest.
    """
    edges = [(side.start - 0.5, side.stop - 0.5) for side in box_of(mask)]
    corners = np.array(np.meshgrid(*edges, indexing="ij")).reshape(3, -1).T
    world = to_world(affine, corners)
    # a multiple of four spacings keeps the 4 → 2 → 1 mm hierarchy of one anatomy aligned at its edges
    step = 4.0 * max(1.0, spacing / 4.0)
    start = np.floor((world.min(0) - margin_mm) / step) * step
    stop = np.ceil((world.max(0) + margin_mm) / step) * step
    shape = tuple(int(n) for n in np.ceil((stop - start) / spacing - 1e-6))
    grid = np.diag([spacing, spacing, spacing, 1.0])
    grid[:3, 3] = start + spacing / 2
    return shape, grid


def resample(data: Array, affine: Array, shape: tuple, target: Array, order: int = 1, average: bool = True) -> Array:
    """
    Resample `data` to another grid through world coordinates; zero outside.

    Coarsening averages over each target voxel (sub-points at the source's resolution)
    so that tissue fractions and tumour volumes are kept; refining interpolates.

    Parameters
    ----------
    data : ndarray [x, y, z]
    affine, target : ndarray (4, 4)
        Voxel → mm of source and target.
    shape : tuple of int
        Target shape.
    order : int
        0 nearest (labels; never averaged), 1 linear.
    average : bool
        False: a coarser grid takes values at its points, as of a field that varies slowly.

    Returns
    -------
    ndarray [x, y, z], float32 (order 1) or the input's type (order 0)
    """
    data = np.asarray(data)
    if order:
        data = data.astype(np.float32, copy=False)
    if data.shape == tuple(shape) and np.allclose(affine, target, atol=1e-5):
        return data.copy()
    fine, sub = sub_voxels(affine, target) if order and average else (np.ones(3, int), np.array(target, float))
    index = np.linalg.inv(affine) @ sub
    if order == 1 and (np.abs(index[:3, :3]) > 1e-7).sum() == 3:
        return _along_axes(data, index, shape, fine)
    out = ndimage.affine_transform(
        data, index[:3, :3], index[:3, 3], output_shape=tuple(np.array(shape) * fine), order=order, mode="grid-constant"
    )
    return means(out, fine)


def sub_voxels(affine: Array, target: Array) -> tuple[Array, Array]:
    """
    How a target grid is divided, along each of its axes, into sub-voxels as fine as a source's.

    Parameters
    ----------
    affine, target : ndarray (4, 4)
        Voxel → mm of source and target.

    Returns
    -------
    fine : ndarray (3,) of int
        Sub-voxels of a target voxel along each axis; 1 where the target is as fine as the source.
    sub : ndarray (4, 4)
        Sub-voxel → mm.
    """
    ratio = spacing_of(target) / spacing_of(affine).min()
    fine = np.maximum(1, np.round(ratio).astype(int))
    sub = np.array(target, float)
    sub[:3, :3] = target[:3, :3] / fine
    sub[:3, 3] = to_world(target, (1.0 / fine - 1.0) / 2)  # centre of the first sub-voxel
    return fine, sub


def means(data: Array, fine: Array) -> Array:
    """Values on sub-voxels [x, y, z] → their means over voxels of `fine` sub-voxels along each axis."""
    if np.all(np.asarray(fine) == 1):
        return data
    parts = [part for n, f in zip(data.shape, fine, strict=True) for part in (n // f, f)]
    return data.reshape(parts).mean(axis=(1, 3, 5), dtype=np.float32)


def _along_axes(data: Array, index: Array, shape: tuple, fine: Array) -> Array:
    """
    `resample` where the grids' axes are parallel: linear weights and means, one matrix per axis (ten times as fast).

    Parameters
    ----------
    data : ndarray [x, y, z]
    index : ndarray (4, 4)
        Sub-voxel of the target → voxel of `data`; each axis goes along one of the other grid.
    shape : tuple of int
        Target shape.
    fine : ndarray (3,)
        Sub-voxels of a target voxel along each axis.
    """
    source = np.abs(index[:3, :3]).argmax(0)  # the axis of `data` along each of the target's
    out = data.transpose(source)
    for axis, (n, f) in enumerate(zip(shape, fine, strict=True)):
        place = index[source[axis], axis] * np.arange(n * f) + index[source[axis], 3]
        size = out.shape[axis]
        weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(size))).reshape(n, f, size).mean(1)
        used = np.flatnonzero(weights.any(0))
        part = slice(used[0], used[-1] + 1) if used.size else slice(0)
        out = np.moveaxis(out, axis, 0)[part]
        out = np.moveaxis(np.tensordot(weights[:, part].astype(np.float32), out, (1, 0)), 0, axis)
    return np.ascontiguousarray(out)


def take(data: Array, offset: Array, shape: tuple) -> Array:
    """Window of `data` starting at voxel `offset` (may lie outside: zero-padded)."""
    offset = np.asarray(offset, int)
    out = np.zeros(tuple(shape), data.dtype)
    low = np.maximum(offset, 0)
    high = np.minimum(offset + np.array(shape), data.shape)
    if np.all(high > low):
        source = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        place = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, offset, strict=True))
        out[place] = data[source]
    return out


def put(window: Array, offset: Array, shape: tuple) -> Array:
    """The inverse of `take`: place `window` into zeros of `shape`."""
    return take(window, -np.asarray(offset, int), shape)
