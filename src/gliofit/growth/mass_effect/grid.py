"""
The grid that elasticity and transport share: where cells and their faces lie in memory.

A cell is a voxel. Its faces carry the displacement: the component along x stands on the faces between neighbours in x,
and so on (a staggered grid; Virieux 1986, Geophysics 51; Harlow & Welch 1965). What crosses a face is then known
where transport needs it, the force is a plain difference of two cells, and no pattern of displacements goes unseen by
the strain.

Cells lie as the Fisher–Kolmogorov solver has them (`growth.cpu.padded`): flat, z contiguous, a voxel of padding around
and rows a multiple of LANES long. Of a displacement, a row (x, y) of each component follows another: what a processor
fetches ahead are a few long stretches, where three fields at each of three planes would be more than it can follow.
Face n of an axis is the one before cell n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from gliofit.base.arrays import Array
from gliofit.growth.cpu.llvm_rows import LANES

VECTOR = 8
"""Cells that the compiled loops do at once; grids' rows are multiples of it."""

CACHE_LINE = 64
"""Bytes; a vector of a row that begins at one never straddles two."""


def aligned(count: int) -> Array:
    """Zeros, float32 [count], from a cache line on."""
    size = np.dtype(np.float32).itemsize
    room = np.zeros(count + CACHE_LINE // size, np.float32)
    return room[-room.ctypes.data % CACHE_LINE // size :][:count]


class Grid(NamedTuple):
    """
    Cells of a box, padding aside.

    Parameters
    ----------
    nx, ny, nz : int
    row : int
        Cells from one row (x, y) to the next, padding included.
    hx, hy, hz : float
        Edges of a cell, mm.
    """

    nx: int
    ny: int
    nz: int
    row: int
    hx: float
    hy: float
    hz: float

    @classmethod
    def of(cls, shape: tuple, spacing: Array) -> Grid:
        nx, ny, nz = (int(n) for n in shape)
        return cls(nx, ny, nz, -(-(nz + 2) // LANES) * LANES, *(float(h) for h in spacing))

    @property
    def padded(self) -> tuple[int, int, int]:
        return self.nx + 2, self.ny + 2, self.row

    @property
    def size(self) -> int:
        return (self.nx + 2) * (self.ny + 2) * self.row

    @property
    def spacing(self) -> tuple[float, float, float]:
        return self.hx, self.hy, self.hz

    @property
    def per_mm(self) -> tuple:
        """1/h along x, y and z, in single precision."""
        return np.float32(1 / self.hx), np.float32(1 / self.hy), np.float32(1 / self.hz)

    def coarser(self) -> Grid:
        """Cells of twice the edges: cell I is made of 2I − 1 and 2I."""
        half = (-(-n // 2) for n in (self.nx, self.ny, self.nz))
        return Grid.of(tuple(half), 2 * np.array(self.spacing))

    def pad(self, field: Array) -> Array:
        """A field [x, y, z] in this layout, float32 [n]; 0 in the padding."""
        out = aligned(self.size)
        out.reshape(self.padded)[self.inner] = field
        return out

    def faces(self) -> Array:
        """A displacement of 0, float32 [3 n]."""
        return aligned(3 * self.size)

    def component(self, u: Array, axis: int) -> Array:
        """A view [x, y, z], padding included, of a component of a displacement."""
        return u.reshape(self.nx + 2, self.ny + 2, 3, self.row)[:, :, axis]

    def spans(self, inside: Array) -> Array:
        """
        Where in each row (x, y) cells are inside: the first, and one past the last; int64 [rows, 2].

        Widened to whole vectors, which begin at multiples of one.
        """
        rows = inside.reshape(-1, self.row)
        first, last = rows.argmax(axis=1), self.row - rows[:, ::-1].argmax(axis=1)
        spans = np.stack([first // VECTOR * VECTOR, -(-last // VECTOR) * VECTOR], axis=1)
        spans[~rows.any(axis=1)] = 0
        return spans

    def around(self, spans: Array) -> Array:
        """The spans that hold those of the eight rows around each, too, and a cell more at both ends."""
        low, high = np.moveaxis(spans.reshape(self.nx + 2, self.ny + 2, 2), 2, 0)
        low = minimum_filter(np.where(high > low, low, self.row), 3, mode="nearest")
        high = maximum_filter(high, 3, mode="nearest")
        widened = np.maximum(low - VECTOR, 0), np.minimum(high + VECTOR, self.row)
        return np.where((high > 0)[..., None], np.stack(widened, axis=2), 0).reshape(-1, 2)

    @property
    def inner(self) -> tuple[slice, slice, slice]:
        return slice(1, self.nx + 1), slice(1, self.ny + 1), slice(1, self.nz + 1)

    def cells(self, flat: Array) -> Array:
        """A view [x, y, z] of a flat field."""
        return flat[: self.size].reshape(self.padded)[self.inner]
