"""
The grid that elasticity and transport share: where cells and their faces lie in memory.

A cell is a voxel. Its faces carry the displacement: the component along x stands on the faces between neighbours in x,
and so on (a staggered grid; Virieux 1986, Geophysics 51; Harlow & Welch 1965). What crosses a face is then known
where transport needs it, the force is a plain difference of two cells, and no pattern of displacements goes unseen by
the strain.

Cells lie as the Fisher–Kolmogorov solver has them (`growth.cpu.padded`): flat, z contiguous, a voxel of padding around
and rows a multiple of LANES long. Face n of an axis is the one before cell n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu.llvm_rows import LANES

VECTOR = 16
"""Cells that the compiled loops do at once, on any processor; grids' rows are multiples of it."""


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
    def strides(self) -> tuple[int, int, int]:
        """From a cell to the next along x, y and z."""
        return (self.ny + 2) * self.row, self.row, 1

    def coarser(self) -> Grid:
        """Cells of twice the edges: cell I is made of 2I − 1 and 2I."""
        half = (-(-n // 2) for n in (self.nx, self.ny, self.nz))
        return Grid.of(tuple(half), 2 * np.array(self.spacing))

    def pad(self, field: Array) -> Array:
        """A field [x, y, z] in this layout, float32 [n]; 0 in the padding."""
        out = np.zeros(self.padded, np.float32)
        out[self.inner] = field
        return out.reshape(-1)

    def spans(self, inside: Array) -> Array:
        """
        Where in each row (x, y) cells are inside: the first, and one past the last; int64 [rows, 2].

        Widened to whole vectors: what is left over of a loop is done cell by cell, slowly.
        """
        rows = inside.reshape(-1, self.row)
        first, last = rows.argmax(axis=1), self.row - rows[:, ::-1].argmax(axis=1)
        length = np.minimum(-(-(last - first) // VECTOR) * VECTOR, self.row)
        first = np.minimum(first, self.row - length)
        spans = np.stack([first, first + length], axis=1)
        spans[~rows.any(axis=1)] = 0
        return spans

    @property
    def inner(self) -> tuple[slice, slice, slice]:
        return slice(1, self.nx + 1), slice(1, self.ny + 1), slice(1, self.nz + 1)

    def cells(self, flat: Array) -> Array:
        """A view [x, y, z] of a flat field."""
        return flat[: self.size].reshape(self.padded)[self.inner]
