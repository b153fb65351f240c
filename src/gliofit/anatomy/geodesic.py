"""
Distances along tissue: cells do not cross CSF, falx or tentorium.

The distance is the length of the shortest way through tissue, T with |∇T| = cost (eikonal equation), by fast sweeping
(Zhao 2005): first order, so that ways off the grid's axes come out too long, by about a voxel for a small
source and for every corner on the way. It needs no growth model and no parameter.
"""

from __future__ import annotations

import numba
import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array

SWEEPS = 40
"""Rounds of eight sweeps, at most; anatomy takes three to six."""


def tissue_distance(source: Array, tissue: Tissue, reach_mm: float = 60.0, grey_cost: float = 1.0) -> Array:
    """
    Length of the shortest way from a tumour through tissue.

    Parameters
    ----------
    source : ndarray of bool [x, y, z]
        Where it is 0: the tumour core.
    tissue : Tissue
        Ways go through its mask alone (white and grey matter at least 0.1 together), and through the source.
    reach_mm : float
        Farther (straight) from the source nothing is computed.
    grey_cost : float
        Length of a mm of grey matter; a front that travels at 2√(Dρ) takes √10 of it (R = 10).

    Returns
    -------
    ndarray [x, y, z], float32
        mm; infinite where there is no way.
    """
    source = np.asarray(source, bool)
    far = np.full(source.shape, np.inf, np.float32)
    if not source.any():
        return far
    reach = np.minimum(np.ceil(reach_mm / tissue.spacing), source.shape).astype(int)
    index = np.argwhere(source)
    box = tuple(slice(max(a - r, 0), b + r + 1) for a, b, r in zip(index.min(0), index.max(0), reach, strict=True))
    grey = tissue.gm[box] / np.maximum(tissue.wm[box] + tissue.gm[box], 1e-6)
    cost = np.where(tissue.mask[box] | source[box], 1 + (grey_cost - 1) * grey, np.inf)
    # a rim of no tissue, so that every voxel has neighbours
    cost = np.pad(cost, 1, constant_values=np.inf)
    times = np.where(np.pad(source[box], 1), 0.0, np.inf)
    _sweep(times, cost, np.asarray(tissue.spacing, float), SWEEPS)
    far[box] = times[1:-1, 1:-1, 1:-1]
    return far


@numba.njit(cache=True)
def _sweep(times, cost, spacing, rounds):  # pragma: no cover - compiled
    """Gauss–Seidel in all eight directions until nothing changes by a thousandth of a voxel."""
    nx, ny, nz = times.shape
    a, h = np.empty(3), np.empty(3)
    for _ in range(rounds):
        change = 0.0
        for way in range(8):
            for i0 in range(1, nx - 1):
                i = i0 if way & 1 else nx - 1 - i0
                for j0 in range(1, ny - 1):
                    j = j0 if way & 2 else ny - 1 - j0
                    for k0 in range(1, nz - 1):
                        k = k0 if way & 4 else nz - 1 - k0
                        f = cost[i, j, k]
                        if f == np.inf or times[i, j, k] == 0.0:
                            continue
                        a[0] = min(times[i - 1, j, k], times[i + 1, j, k])
                        a[1] = min(times[i, j - 1, k], times[i, j + 1, k])
                        a[2] = min(times[i, j, k - 1], times[i, j, k + 1])
                        for n in range(3):
                            h[n] = spacing[n]
                        for n in range(2):  # ascending, the spacings along
                            for m in range(2 - n):
                                if a[m] > a[m + 1]:
                                    a[m], a[m + 1] = a[m + 1], a[m]
                                    h[m], h[m + 1] = h[m + 1], h[m]
                        if a[0] == np.inf:
                            continue
                        new = a[0] + f * h[0]
                        if new > a[1]:
                            new = _meet(a, h, f, 2, new)
                            if new > a[2]:
                                new = _meet(a, h, f, 3, new)
                        if new < times[i, j, k]:
                            change = max(change, times[i, j, k] - new)
                            times[i, j, k] = new
        if change < 1e-3 * min(spacing[0], spacing[1], spacing[2]):
            break


@numba.njit(cache=True)
def _meet(a, h, f, axes, otherwise):  # pragma: no cover - compiled
    """t with Σ ((t − a)/h)² = f² over the first axes."""
    p, q, r = 0.0, 0.0, -f * f
    for n in range(axes):
        w = 1.0 / (h[n] * h[n])
        p += w
        q += w * a[n]
        r += w * a[n] * a[n]
    root = q * q - p * r
    return (q + np.sqrt(root)) / p if root >= 0 else otherwise
