"""
Where a tumour is at work: the cells around it.

Far from the tumour little happens between two solves: tissue is moved by a small part of a voxel, and the displacement
is smooth. So the finest grid is smoothed, and tissue carried, around the tumour only, and everywhere from time to time.
Until then force and stiffness there are as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import uintp

from gliofit.base.arrays import Array
from gliofit.growth.cpu.compiled import kernel
from gliofit.growth.mass_effect.grid import VECTOR
from gliofit.growth.mass_effect.medium import Medium

PRESENT = np.float32(1e-3)
"""Density from which there is tumour; half of the largest, if that is less."""

AROUND_MM = 14.0
"""How far beyond it cells count as around it, when they are chosen; along z rows are widened to whole vectors."""

AT_LEAST_MM = 9.0
"""They are chosen anew when they do not reach as far beyond it."""


@dataclass(frozen=True, eq=False)
class Near:
    """
    The cells around a tumour.

    Parameters
    ----------
    cells : int64 ndarray [rows, 2]
        Spans (`Grid.spans`) that are smoothed, and tissue is carried in.
    faces : int64 ndarray [rows, 2]
        Whose faces may move then: nearly all of those between two of these cells, and no others.
    edges : int64 ndarray [rows, 2]
        Whose coefficients may change: a cell more.
    """

    cells: Array
    faces: Array
    edges: Array

    @classmethod
    def of(cls, medium: Medium, c: Array, before: Near | None = None) -> Near:
        """Around a density [n]; `before` is kept while it reaches far enough, and its cells stay."""
        grid = medium.grid
        own = np.zeros_like(medium.spans)
        _stretches(grid[:4], medium.spans, c, min(PRESENT, c.max() / 2), own)

        def around(mm: float) -> Array:
            spans = np.zeros_like(own)
            _widen(grid[:4], own, _reach(grid.spacing, mm), medium.spans, spans)
            return spans

        if before is not None and _within(around(AT_LEAST_MM), before.cells):
            return before
        cells = around(AROUND_MM)
        if before is not None:
            cells = _both(cells, before.cells)
        rows = cells.reshape(*grid.padded[:2], 2)
        faces = rows.copy()
        for axis in (0, 1):
            earlier = np.roll(rows, 1, axis)
            faces[..., 0] = np.maximum(faces[..., 0], earlier[..., 0])
            faces[..., 1] = np.minimum(faces[..., 1], earlier[..., 1])
        faces[..., 0] += 1
        faces[faces[..., 0] >= faces[..., 1]] = 0
        return cls(cells, faces.reshape(-1, 2), grid.around(cells))


def _within(a: Array, b: Array) -> bool:
    """Whether spans a are parts of spans b."""
    return bool(((a[:, 1] == 0) | ((b[:, 0] <= a[:, 0]) & (a[:, 1] <= b[:, 1]))).all())


def _both(a: Array, b: Array) -> Array:
    """Spans that hold both."""
    low = np.minimum(np.where(a[:, 1] > 0, a[:, 0], b[:, 0]), np.where(b[:, 1] > 0, b[:, 0], a[:, 0]))
    return np.stack([low, np.maximum(a[:, 1], b[:, 1])], axis=1)


@lru_cache(maxsize=16)
def _reach(spacing: tuple[float, float, float], mm: float) -> Array:
    """Cells along z that a ball reaches at each offset of x and y, −1 outside of it; int64 [2 n + 1, 2 m + 1]."""
    x, y = (np.arange(-int(mm / h), int(mm / h) + 1) * h for h in spacing[:2])
    left = mm**2 - x[:, None] ** 2 - y**2
    return np.where(left >= 0, np.ceil(np.sqrt(np.maximum(left, 0)) / spacing[2]), -1).astype(np.int64)


@kernel
def _stretches(size, spans, c, present, out):
    """Of each row, the first cell from `present` on and one past the last; 0, 0 where there is none."""
    nx, ny, _, row = size
    for i in range(1, nx + 1):
        for j in range(1, ny + 1):
            r = uintp(i * (ny + 2) + j)
            o, begin, stop = r * uintp(row), spans[r, 0], spans[r, 1]
            most = np.float32(0)
            for z in range(uintp(begin), uintp(stop)):
                most = max(most, c[o + z])
            if most < present or begin == stop:
                continue
            while c[o + uintp(begin)] < present:
                begin += 1
            while c[o + uintp(stop - 1)] < present:
                stop -= 1
            out[r, 0], out[r, 1] = begin, stop


@kernel
def _widen(size, stretches, reach, inside, out):
    """Stretches and all that a ball around each of their cells holds, as whole vectors inside."""
    nx, ny, _, _ = size
    across, along = reach.shape[0] // 2, reach.shape[1] // 2
    for i in range(1, nx + 1):
        for j in range(1, ny + 1):
            begin, stop = stretches[i * (ny + 2) + j, 0], stretches[i * (ny + 2) + j, 1]
            if begin == stop:
                continue
            for x in range(max(1, i - across), min(nx, i + across) + 1):
                for y in range(max(1, j - along), min(ny, j + along) + 1):
                    far, at = reach[x - i + across, y - j + along], x * (ny + 2) + y
                    if far < 0:
                        continue
                    low = max((begin - far) // VECTOR * VECTOR, inside[at, 0])
                    high = min(-(-(stop + far) // VECTOR) * VECTOR, inside[at, 1])
                    if low >= high:
                        continue
                    if out[at, 1] == 0:
                        out[at, 0], out[at, 1] = low, high
                    else:
                        out[at, 0], out[at, 1] = min(out[at, 0], low), max(out[at, 1], high)
