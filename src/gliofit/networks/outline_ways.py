"""
How far outlines lie from each other and from a tumour's middle, along the ways that a front takes.

A front of the Fisher–Kolmogorov model travels at 2√(Dρ), √10 times as fast in white matter as in grey (R = 10). Ways
are measured in mm of white matter: T with |∇T|·√(D/D_w) = 1, by fast sweeping (Zhao 2005) on a cubic grid. The point
of a tumour that is deepest in this sense is about where it began.
"""

from __future__ import annotations

import numba
import numpy as np

from gliofit.anatomy.tissue import TISSUE_THRESHOLD
from gliofit.base.arrays import Array
from gliofit.growth.ranges import GREY_MATTER_RATIO

ROUNDS = 4
"""Of eight sweeps, at most."""

FAR = np.float32(1e4)
"""mm: no way."""


def outline_ways(core: Array, whole: Array, wm: Array, gm: Array, spacing: float) -> Array:
    """
    Three fields of each case's outlines.

    Parameters
    ----------
    core, whole : ndarray of bool [B, n, n, n]
    wm, gm : ndarray [B, n, n, n], float32
        Fractions.
    spacing : float
        mm.

    Returns
    -------
    ndarray [B, 3, n, n, n], float32
        Ways (mm of white matter) into the whole tumour from the tissue around it, into the core from the tissue around
        it, and out of the core into the rest of the whole tumour; 0 elsewhere, and where there is no way.
    """
    ways = np.zeros((len(core), 3, *core.shape[1:]), np.float32)
    # constants of other modules as arguments: numba's cache would not notice that they have changed
    _ways(core, whole, wm, gm, np.float32(spacing), TISSUE_THRESHOLD, float(GREY_MATTER_RATIO), ways)
    return ways


@numba.njit(cache=True)
def _ways(core, whole, wm, gm, spacing, least, ratio, ways):  # pragma: no cover - compiled
    cases, nx, ny, nz = core.shape
    cost = np.empty((nx + 2, ny + 2, nz + 2), np.float32)
    time, moving = np.empty_like(cost), np.empty(cost.shape, np.bool_)
    for case in range(cases):
        cost[:] = FAR  # with a rim, so that every voxel has neighbours
        for i in range(nx):
            for j in range(ny):
                for k in range(nz):
                    white, grey = wm[case, i, j, k], gm[case, i, j, k]
                    if white + grey >= least:
                        speed = np.sqrt(white + grey / np.float32(ratio))
                        cost[i + 1, j + 1, k + 1] = spacing / speed
        for field in range(3):
            time[:], moving[:] = FAR, False
            low, high = np.array((nx, ny, nz)), np.zeros(3, np.int64)
            for i in range(nx):
                for j in range(ny):
                    for k in range(nz):
                        if cost[i + 1, j + 1, k + 1] >= FAR:
                            continue
                        inner, outer = core[case, i, j, k], whole[case, i, j, k]
                        if (field == 0 and outer) or (field == 1 and inner) or (field == 2 and outer and not inner):
                            moving[i + 1, j + 1, k + 1] = True
                            low[0], low[1], low[2] = min(low[0], i), min(low[1], j), min(low[2], k)
                            high[0], high[1], high[2] = max(high[0], i), max(high[1], j), max(high[2], k)
                        elif field < 2 or inner:
                            time[i + 1, j + 1, k + 1] = 0
            _sweep(time, cost, moving, low + 1, high + 1)
            for i in range(nx):
                for j in range(ny):
                    for k in range(nz):
                        if time[i + 1, j + 1, k + 1] < FAR:
                            ways[case, field, i, j, k] = time[i + 1, j + 1, k + 1]


@numba.njit(cache=True)
def _sweep(time, cost, moving, low, high):  # pragma: no cover - compiled
    """Gauss–Seidel in all eight directions within a box, until nothing changes by a hundredth of a voxel's cost."""
    for _ in range(ROUNDS):
        changed = False
        for way in range(8):
            for i0 in range(high[0] - low[0] + 1):
                i = low[0] + i0 if way & 1 else high[0] - i0
                for j0 in range(high[1] - low[1] + 1):
                    j = low[1] + j0 if way & 2 else high[1] - j0
                    for k0 in range(high[2] - low[2] + 1):
                        k = low[2] + k0 if way & 4 else high[2] - k0
                        if not moving[i, j, k]:
                            continue
                        f = cost[i, j, k]
                        new = _arrival(
                            min(time[i - 1, j, k], time[i + 1, j, k]),
                            min(time[i, j - 1, k], time[i, j + 1, k]),
                            min(time[i, j, k - 1], time[i, j, k + 1]),
                            f,
                        )
                        if new < time[i, j, k]:
                            changed = changed or time[i, j, k] - new > np.float32(0.01) * f
                            time[i, j, k] = new
        if not changed:
            break


@numba.njit(cache=True)
def _arrival(a, b, c, f):  # pragma: no cover - compiled
    """t with ((t − a)⁺)² + ((t − b)⁺)² + ((t − c)⁺)² = f²."""
    if a > b:
        a, b = b, a
    if b > c:
        b, c = c, b
    if a > b:
        a, b = b, a
    t = a + f
    if t <= b:
        return t
    t = np.float32(0.5) * (a + b + np.sqrt(2 * f * f - (a - b) * (a - b)))
    if t <= c:
        return t
    total, squares = a + b + c, a * a + b * b + c * c
    return (total + np.sqrt(max(total * total - 3 * (squares - f * f), np.float32(0)))) / 3
