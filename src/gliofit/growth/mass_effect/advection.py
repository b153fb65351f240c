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
def sweep(part, parts, size, spans, axis, scale, kept, q, move, out):
    """
    Along one axis, in a part of the planes of x.

    Parameters
    ----------
    size : tuple of int
        (nx, ny, nz, row); nothing moves in the outermost cells.
    spans : int64 ndarray [rows, 2]
        Cells of each row to be visited; nothing moves in the others.
    axis : int
    scale : float32
        Times `move` it is the share of a cell by which a face moves.
    kept : float32 ndarray [k]
        1 for a fraction, 0 for what is conserved.
    q, out : ndarray [k, n]
    move : ndarray [3 n]
    """
    nx, ny, _, row = size
    w = uintp(row)
    s = uintp(ny + 2) * w if axis == 0 else (w if axis == 1 else uintp(1))
    ahead = uintp(3) * s if axis < 2 else s
    for i in range(2 + (nx - 2) * part // parts, 2 + (nx - 2) * (part + 1) // parts):
        for j in range(2, ny):
            r = uintp(i * (ny + 2) + j)
            o, m = r * w, (uintp(3) * r + uintp(axis)) * w
            for field in range(len(kept)):
                old, new, fraction_of = q[field], out[field], kept[field]
                for z in range(uintp(spans[r, 0]), uintp(spans[r, 1])):
                    n = o + z
                    q0, a, b = old[n], scale * move[m + z], scale * move[m + z + ahead]
                    left = _flux(a, old[n - s - s], old[n - s], q0, old[n + s])
                    right = _flux(b, old[n - s], q0, old[n + s], old[n + s + s])
                    moved = q0 - (right - left)
                    # in the middle of the move
                    middle = q0 - FOURTH * (a + b) * _slope(old[n - s], q0, old[n + s])
                    fraction = min(max(moved + middle * (b - a), ZERO), ONE)
                    new[n] = moved + fraction_of * (fraction - moved)


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
    displacement : ndarray [3 n]
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
    kept = fractions.astype(np.float32)
    for go in range(times):
        for axis in (2, 1, 0) if backwards ^ (go % 2 == 1) else (0, 1, 2):
            scale = np.float32(1 / (grid.spacing[axis] * times))
            share(threads, sweep, grid[:4], spans, axis, scale, kept, fields, displacement, room)
            fields, room = room, fields
    return fields, room
