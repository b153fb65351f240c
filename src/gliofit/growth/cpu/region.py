"""Where the solver has to look: the rows in which there is tumour, growing with it."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu import sweep as kernels


class Region:
    """
    The rows (x, y) in which there is tumour, and their stretches of z.

    Parameters
    ----------
    padded : tuple of int
        Shape of the padded grid.
    nz : int
        Voxels along z without padding.
    corner : ndarray (3,)
        First voxel of the window that the tumour begins in.
    window : tuple of int
        Its shape.
    """

    def __init__(self, padded: tuple, nz: int, corner: Array, window: tuple):
        nx, ny, self.row_length = padded
        self.nz = nz
        self.low = np.full((nx, ny), kernels.EMPTY, np.int32)
        self.high = np.full((nx, ny), -1, np.int32)
        here = tuple(slice(c + 1, c + 1 + n) for c, n in zip(corner[:2], window[:2], strict=True))
        if np.prod(window):
            self.low[here], self.high[here] = corner[2] + 1, corner[2] + 1 + window[2]
        self.base, self.begin, self.end, self.row_y = (np.empty(nx * ny, np.int64) for _ in range(4))
        self.row_at = np.zeros((nx, ny), np.int64)
        self.rows = 0

    def grow(self, width: int) -> None:
        """Choose the rows to visit: the support and `width` voxels around it."""
        rows = self.base, self.begin, self.end, self.row_y
        self.voxels, self.rows = kernels.active_rows(
            self.low, self.high, width, *rows, self.row_at, self.row_length, self.nz
        )

    @property
    def extent(self) -> tuple[Array, Array, Array, Array]:
        """Of the rows to visit: flat offset, first and last (exclusive) voxel of z, and y."""
        base, begin, end, row_y = (v[: self.rows] for v in (self.base, self.begin, self.end, self.row_y))
        return base, begin, end, row_y

    @property
    def y_range(self) -> tuple[int, int]:
        """First y of the rows to visit, and one past their last."""
        y = self.row_y[: self.rows]
        return (int(y.min()), int(y.max()) + 1) if self.rows else (0, 0)

    def slabs(self, parts: int, depth: int) -> Array:
        """Planes that split the voxels evenly; a slab between two others must outlast both its wedges."""
        used = np.flatnonzero(self.voxels)
        if used.size == 0:
            return np.array([0, 0])
        first, stop = int(used[0]), int(used[-1]) + 1
        if parts > 2:
            parts = max(min(parts, (stop - first) // max(2 * depth, 1)), min(2, parts))
        share = np.cumsum(self.voxels) / self.voxels.sum()
        inner = [int(np.searchsorted(share, k / parts)) + 1 for k in range(1, parts)]
        slab = np.array([first, *inner, stop])
        if parts > 2 and np.diff(slab)[1:-1].min() < 2 * depth:
            slab = np.linspace(first, stop, parts + 1).astype(np.int64)
        return slab

    def box(self, shape: tuple) -> tuple:
        """Slices of the unpadded grid that hold all rows visited last."""
        if self.rows == 0:
            return (slice(0, 0),) * 3
        row = self.base[: self.rows] // self.row_length
        x, y = np.divmod(row, self.low.shape[1])
        low = x.min() - 1, y.min() - 1, max(self.begin[: self.rows].min() - 1, 0)
        high = x.max(), y.max(), min(self.end[: self.rows].max() - 1, shape[2])
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

    def settle(self, low: Array, high: Array) -> None:
        """Take over the stretches above the floor, as the last sweep found them."""
        row = self.base[: self.rows] // self.row_length
        self.low.ravel()[row], self.high.ravel()[row] = low, high
