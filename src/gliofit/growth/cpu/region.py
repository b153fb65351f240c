"""Where the solver has to look: the rows in which there is tumour, growing with it, and how threads share them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uintp

from gliofit.base.arrays import Array
from gliofit.growth.cpu.compiled import kernel
from gliofit.growth.cpu.llvm_rows import LANES

EMPTY = np.int32(1 << 20)
"""Start of a row without tumour."""

ROWS, PARTS, Y_BEGIN, Y_END = range(4)
"""Places in `Region.extent`."""


class Region(NamedTuple):
    """
    The rows (x, y) in which there is tumour, and their stretches of z; in all arrays, padding included.

    Parameters
    ----------
    support_low, support_high : int32 ndarray [nx + 2, ny + 2]
        Stretch of each row above the floor, as the last step left it; (EMPTY, −1) where there is none.
    base : int64 ndarray [(nx + 2)·(ny + 2)]
        Flat offset of each row to visit; the first `extent[ROWS]` count, here and below.
    low, high : int64 ndarray [(nx + 2)·(ny + 2)]
        Stretch of each row to visit, the last exclusive: multiples of LANES.
    y : int64 ndarray [(nx + 2)·(ny + 2)]
        Of each row to visit.
    at : int64 ndarray [nx + 2, ny + 2]
        First row to visit of plane x that is not before y.
    voxels : int64 ndarray [nx + 2]
        To visit per plane.
    slab : int64 ndarray [threads + 1]
        Planes that split the work; the first `extent[PARTS]` + 1 count.
    extent : int64 ndarray [4]
        Rows to visit; parts that the work is split into; first y of these rows, and one past their last.
    row_length, nz : int
        Padded and true number of voxels along z.
    """

    support_low: Array
    support_high: Array
    base: Array
    low: Array
    high: Array
    y: Array
    at: Array
    voxels: Array
    slab: Array
    extent: Array
    row_length: int
    nz: int

    def rows(self) -> tuple[Array, Array, Array, Array]:
        """Of the rows to visit: flat offset, first and last (exclusive) voxel of z, and y."""
        base, low, high, y = (v[: self.extent[ROWS]] for v in (self.base, self.low, self.high, self.y))
        return base, low, high, y


def region_of(padded: tuple, nz: int, corner: Array, window: tuple, threads: int) -> Region:
    """
    The rows of a window that the tumour begins in.

    Parameters
    ----------
    padded : tuple of int
        Shape of the padded grid.
    nz : int
        Voxels along z without padding.
    corner : ndarray (3,)
        First voxel of the window.
    window : tuple of int
        Its shape.
    threads : int
        That the work may be split among.
    """
    nx, ny, row_length = padded
    low, high = np.full((nx, ny), EMPTY, np.int32), np.full((nx, ny), -1, np.int32)
    here = tuple(slice(c + 1, c + 1 + n) for c, n in zip(corner[:2], window[:2], strict=True))
    if np.prod(window):
        low[here], high[here] = corner[2] + 1, corner[2] + 1 + window[2]
    base, first, last, y = (np.empty(nx * ny, np.int64) for _ in range(4))
    at, voxels = np.zeros((nx, ny), np.int64), np.zeros(nx, np.int64)
    slab, extent = np.zeros(threads + 1, np.int64), np.zeros(4, np.int64)
    return Region(low, high, base, first, last, y, at, voxels, slab, extent, row_length, nz)


@kernel
def _cover(first, last, low, high):
    """Widen the stretches first … last so that they hold low … high."""
    for j in range(uintp(first.size)):
        first[j], last[j] = min(first[j], low[j]), max(last[j], high[j])


@kernel
def grow(region, width):
    """Choose the rows to visit in the next step: the support, grown by `width` voxels on every side."""
    low, high, voxels = region.support_low, region.support_high, region.voxels
    nx, ny = low.shape
    voxels[:] = 0
    region.extent[ROWS] = region.extent[Y_BEGIN] = region.extent[Y_END] = 0
    i0, i1, j0, j1 = nx, 0, ny, 0
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            if high[i, j] >= 0:
                i0, i1, j0, j1 = min(i0, i), i + 1, min(j0, j), max(j1, j + 1)
    if i1 == 0:
        return
    i0, i1, j0, j1 = max(1, i0 - width), min(nx - 1, i1 + width), max(1, j0 - width), min(ny - 1, j1 + width)
    first = np.full((nx, ny), EMPTY, np.int32)
    last = np.full((nx, ny), -1, np.int32)
    for i in range(i0, i1):  # widen along y …
        for shift in range(-width, width + 1):
            a, b = max(j0, j0 - shift), min(j1, j1 - shift)
            _cover(first[i, a:b], last[i, a:b], low[i, a + shift :], high[i, a + shift :])
    rows, y_begin, y_end = 0, ny, 0
    least, most = np.empty(ny, np.int32), np.empty(ny, np.int32)
    for i in range(i0, i1):  # … then along x, and by `width` along z
        least[:], most[:] = EMPTY, -1
        for ii in range(max(i0, i - width), min(i1, i + width + 1)):
            _cover(least[j0:j1], most[j0:j1], first[ii, j0:], last[ii, j0:])
        region.at[i, :j0] = rows
        for j in range(j0, j1):
            region.at[i, j] = rows
            if most[j] >= 0:
                region.base[rows] = (i * ny + j) * region.row_length
                region.y[rows] = j
                region.low[rows] = max(1, least[j] - width) // LANES * LANES
                region.high[rows] = (min(region.nz + 1, most[j] + width) + LANES - 1) // LANES * LANES
                voxels[i] += region.high[rows] - region.low[rows]
                y_begin, y_end = min(y_begin, j), max(y_end, j + 1)
                rows += 1
        region.at[i, j1:] = rows
    region.extent[ROWS], region.extent[Y_BEGIN], region.extent[Y_END] = rows, y_begin, y_end


@kernel
def cut(region, parts, depth):
    """
    Planes that split the work of a step of `depth` stages evenly, among `parts` threads or fewer.

    A part also closes the wedge that a step leaves open between it and the part before: of the planes that both have
    a share in, it does depth·(depth − 1)/2 stages more, and the other as many less. That is (depth − 1)/2 planes.
    A slab between two others must outlast both its wedges.
    """
    voxels, slab = region.voxels, region.slab
    first, stop = 0, 0
    for x in range(voxels.size):
        if voxels[x] > 0:
            first, stop = first if stop else x, x + 1
    if parts > 2:
        parts = max(min(parts, (stop - first) // (2 * depth)), 2)
    slab[0], slab[parts] = first, stop
    total, so_far, part = voxels.sum(), 0, 1
    for x in range(first, stop):
        so_far += voxels[x]
        while part < parts and so_far * parts >= total * part:
            slab[part] = min(x + 1 + depth // 2, stop)
            part += 1
    for part in range(1, parts - 1):
        if slab[part + 1] - slab[part] < 2 * depth:
            for k in range(1, parts):
                slab[k] = first + (stop - first) * k // parts
            break
    region.extent[PARTS] = parts
