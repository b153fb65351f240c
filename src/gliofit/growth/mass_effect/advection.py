"""
Transport of cells' fields by a displacement of their faces: second order, conservative, without new extremes.

Along one axis after the other (in turn from either end; Strang 1968), a field q changes by what crosses a cell's faces,

    q_i ← q_i − (F_{i+1} − F_i),    F = a·(q + ½(1 − |a|)·slope) of the cell that a comes from,

a the share of a cell by which a face moves, the slope limited by van Leer's monotonised central rule (1977, J. Comput.
Phys. 23): what leaves one cell enters the next, and nothing becomes negative. A field that is carried along but not
compressed (a fraction, ∂q/∂t + v·∇q = 0) gets q·(a_{i+1} − a_i) back.
"""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.base.arrays import Array
from gliofit.growth.cpu.compiled import apart, inlined
from gliofit.growth.cpu.crew import share
from gliofit.growth.mass_effect.grid import Grid

LARGEST = 0.45
"""Part of a cell that a face may move in one go; more is done in several."""

MOST_GOES = 50
"""More than this many, of one step, are no deformation that small strains describe."""

FOURTH, HALF, ZERO, ONE, TWO = (np.float32(v) for v in (0.25, 0.5, 0, 1, 2))


@inlined
def _slope(left, here, right):
    """Limited difference: the least of twice the one-sided ones and the central one, 0 at an extreme."""
    before, after = here - left, right - here
    central = HALF * (before + after)
    low, high = TWO * min(before, after), TWO * max(before, after)
    up = max(min(low, central), ZERO)
    down = min(max(high, central), ZERO)
    return up if before + after > ZERO else down


@inlined
def _flux(a, q_2, q_1, q0, q1):
    """Through the face between q_1 and q0."""
    from_left = a * (q_1 + HALF * (ONE - a) * _slope(q_2, q_1, q0))
    from_right = a * (q0 - HALF * (ONE + a) * _slope(q_1, q0, q1))
    return from_left if a > ZERO else from_right


@apart
def sweep(part, parts, size, spans, stride, scale, kept, q, move, out):
    """
    Along one axis, in a part of the planes of x.

    Parameters
    ----------
    size : tuple of int
        (nx, ny, nz, row); nothing moves in the outermost cells.
    spans : int64 ndarray [rows, 2]
        Cells of each row to be visited; nothing moves in the others.
    stride : int
        From a cell to the next along the axis.
    scale : float32
        Times `move` it is the share of a cell by which a face moves.
    kept : float32
        1 for a fraction, 0 for what is conserved.
    q, move, out : ndarray [n]
    """
    nx, ny, _, row = size
    s = uintp(stride)
    for i in range(2 + (nx - 2) * part // parts, 2 + (nx - 2) * (part + 1) // parts):
        for j in range(2, ny):
            o = uintp((i * (ny + 2) + j) * row)
            begin, stop = spans[i * (ny + 2) + j]
            for n in range(o + uintp(begin), o + uintp(stop)):
                q0, a, b = q[n], scale * move[n], scale * move[n + s]
                left = _flux(a, q[n - s - s], q[n - s], q0, q[n + s])
                right = _flux(b, q[n - s], q0, q[n + s], q[n + s + s])
                moved = q0 - (right - left)
                # in the middle of the move
                middle = q0 - FOURTH * (a + b) * _slope(q[n - s], q0, q[n + s])
                fraction = min(max(moved + middle * (b - a), ZERO), ONE)
                out[n] = moved + kept * (fraction - moved)


def goes(cells: float) -> int:
    """In how many goes a displacement of so many cells is done; one more than MOST_GOES if that does not do."""
    return max(1, int(np.ceil(cells / LARGEST))) if cells <= LARGEST * MOST_GOES else MOST_GOES + 1


def carry(
    grid: Grid,
    spans: Array,
    fields: Array,
    room: Array,
    fractions: Array,
    displacement: Array,
    times: int,
    backwards: bool,
    threads: int = 1,
) -> tuple[Array, Array]:
    """
    Move fields.

    Parameters
    ----------
    grid : Grid
    spans : int64 ndarray [rows, 2]
        Where anything moves (`Grid.spans`).
    fields, room : ndarray [k, n]
        Both are written to; elsewhere `room` is as `fields`.
    fractions : ndarray [k], bool
        Which are fractions, not conserved amounts.
    displacement : ndarray [3, n]
        Of faces, mm.
    times : int
        Goes it is done in, as `goes` says.
    backwards : bool
        Begin with the last axis; callers take turns.

    Returns
    -------
    ndarray [k, n], ndarray [k, n]
        The fields, and room for the next time.
    """
    for go in range(times):
        for axis in (2, 1, 0) if backwards ^ (go % 2 == 1) else (0, 1, 2):
            scale = np.float32(1 / (grid.spacing[axis] * times))
            for q, kept, out in zip(fields, fractions, room, strict=True):
                own = np.float32(kept), q, displacement[axis], out
                share(threads, sweep, grid[:4], spans, grid.strides[axis], scale, *own)
            fields, room = room, fields
    return fields, room
