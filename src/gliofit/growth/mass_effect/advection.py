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
def sweep(part, parts, size, stride, q, a, kept, out):
    """
    Along one axis, in a part of the planes of x.

    Parameters
    ----------
    size : tuple of int
        (nx, ny, nz, row); nothing moves in the outermost cells.
    stride : int
        From a cell to the next along the axis.
    q, out : ndarray [n]
    a : ndarray [n]
        Shares of a cell by which faces move.
    kept : float32
        1 for a fraction, 0 for what is conserved.
    """
    nx, ny, nz, row = size
    s = uintp(stride)
    for i in range(2 + (nx - 2) * part // parts, 2 + (nx - 2) * (part + 1) // parts):
        for j in range(2, ny):
            o = uintp((i * (ny + 2) + j) * row)
            for n in range(o + uintp(2), o + uintp(nz)):
                q0 = q[n]
                left = _flux(a[n], q[n - s - s], q[n - s], q0, q[n + s])
                right = _flux(a[n + s], q[n - s], q0, q[n + s], q[n + s + s])
                moved = q0 - (right - left)
                # in the middle of the move
                middle = q0 - FOURTH * (a[n] + a[n + s]) * _slope(q[n - s], q0, q[n + s])
                fraction = min(max(moved + middle * (a[n + s] - a[n]), ZERO), ONE)
                out[n] = moved + kept * (fraction - moved)


def goes(grid: Grid, displacement: Array) -> int:
    """In how many goes a displacement [3, n] (mm) is done; one more than MOST_GOES if that does not do."""
    cells = max(float(np.abs(d).max()) / h for d, h in zip(displacement, grid.spacing, strict=True))
    return max(1, int(np.ceil(cells / LARGEST))) if cells <= LARGEST * MOST_GOES else MOST_GOES + 1


def carry(
    grid: Grid, fields: Array, fractions: Array, displacement: Array, times: int, backwards: bool, threads: int = 1
) -> Array:
    """
    Move fields.

    Parameters
    ----------
    grid : Grid
    fields : ndarray [k, n]
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
    ndarray [k, n]
    """
    shares = [d * np.float32(1 / (h * times)) for d, h in zip(displacement, grid.spacing, strict=True)]
    other = fields.copy()
    for go in range(times):
        for axis in (2, 1, 0) if backwards ^ (go % 2 == 1) else (0, 1, 2):
            for q, kept, out in zip(fields, fractions, other, strict=True):
                share(threads, sweep, grid[:4], grid.strides[axis], q, shares[axis], np.float32(kept), out)
            fields, other = other, fields
    return fields
