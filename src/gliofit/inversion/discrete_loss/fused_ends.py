"""
The discrete loss's terms about the first and the last moment, compiled: the seed, and the scans.

`loss.DiscreteLoss` says what is computed. Sigmoids are found where a label has a share, and the seed where it is not 0.
"""

from __future__ import annotations

import numba
import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.seed import FADE, PEAK


def first_term(u: Array, origin: Array, points: list[Array], inside: Array, weight: float, gradient: Array) -> Array:
    """
    Mean square of a first moment's distance from the solver's seed, weighted.

    Parameters
    ----------
    u : ndarray of float32 [x, y, z]
    origin : ndarray (3,)
        In mm of the box.
    points : list of 3 ndarray
        Centres of the halves of the voxels along each axis, in mm of the box.
    inside : ndarray of float32 [x, y, z]
    weight : float
    gradient : ndarray of float32 [x, y, z]
        Is added to.

    Returns
    -------
    ndarray (4,)
        The term, and its derivatives by the origin.
    """
    reach = np.sqrt(20 * np.log(PEAK / FADE[0]))
    low, high, rows = [], [], []
    for place, along in zip(origin, points, strict=True):
        near = np.flatnonzero(np.abs(along - place) <= reach)
        low.append(near[0] // 2 if near.size else 0)
        high.append(near[-1] // 2 + 1 if near.size else 0)
        rows.append((along - place).astype(np.float64))
    total = np.zeros(4)
    _first(u, rows[0], rows[1], rows[2], np.array([low, high]), inside, weight / inside.size, gradient, total)
    return total


def outline_terms(
    c: Array,
    shares: Array,
    thresholds: tuple[float | None, float],
    penalty: tuple[float, float],
    weight: float,
    gradient: Array,
) -> Array:
    """
    Mean squares of what of a last moment is on the wrong side of a threshold, weighted.

    Parameters
    ----------
    c : ndarray of float32 [x, y, z]
    shares : ndarray of float32 [3, x, y, z]
        A voxel's share in core, edema and background.
    thresholds : tuple
        Of the core, if there is any, and of the whole tumour.
    penalty : tuple of float
        Steepness of the sigmoids, 0 for hinges, and their slack.
    weight : float
    gradient : ndarray of float32 [x, y, z]
        Is added to.

    Returns
    -------
    ndarray (3,)
        The terms' sum, and its derivatives by the thresholds.
    """
    total = np.zeros(3)
    up, down = thresholds
    values = np.array([np.inf if up is None else up, down, *penalty, weight / c.size], np.float32)
    _outlines(c.ravel(), shares.reshape(3, -1), values, gradient.reshape(-1), total)
    return total


def uptake_term(
    c: Array, share: Array, seen: Array, gain: float, ground: float, weight: float, gradient: Array
) -> tuple[float, float, float]:
    """Mean square of c − gain·(seen − ground) where `share` says so, weighted; and its derivatives by gain, ground."""
    above = seen - np.float32(ground)
    r = c - np.float32(gain) * above
    by = np.float32(2 * weight / c.size) * share * r
    gradient += by
    return float(by.ravel() @ r.ravel()) / 2, -float(by.ravel() @ above.ravel()), gain * float(by.sum())


@numba.njit(cache=True, nogil=True)
def _first(u, xs, ys, zs, window, inside, weight, gradient, total):  # pragma: no cover - compiled
    nx, ny, nz = u.shape
    square = 0.0
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                r = u[i, j, k] * inside[i, j, k]
                square += r * r
                gradient[i, j, k] += 2 * weight * r
    low, high = FADE
    for i in range(window[0, 0], window[1, 0]):
        for j in range(window[0, 1], window[1, 1]):
            for k in range(window[0, 2], window[1, 2]):
                if inside[i, j, k] == 0:
                    continue
                seed, by_x, by_y, by_z = 0.0, 0.0, 0.0, 0.0
                for part in range(8):
                    x, y, z = xs[2 * i + part // 4], ys[2 * j + part // 2 % 2], zs[2 * k + part % 2]
                    gauss = PEAK * np.exp(-(x * x + y * y + z * z) / 20)
                    s = min(max((gauss - low) / (high - low), 0.0), 1.0)
                    fade = s * s * (3 - 2 * s)
                    slope = (fade + gauss * 6 * s * (1 - s) / (high - low)) * gauss / 10
                    seed += gauss * fade / 8
                    by_x += slope * x / 8
                    by_y += slope * y / 8
                    by_z += slope * z / 8
                c = u[i, j, k]
                r = c - seed
                square += r * r - c * c
                gradient[i, j, k] -= 2 * weight * seed
                total[1] -= 2 * weight * r * by_x
                total[2] -= 2 * weight * r * by_y
                total[3] -= 2 * weight * r * by_z
    total[0] = weight * square


@numba.njit(cache=True, nogil=True)
def _wrong(off, steep, slack):  # pragma: no cover - compiled
    """How much a density counts that is off by so much on the wrong side, and its slope."""
    if steep == 0:
        return max(off, np.float32(0.0)), np.float32(off > 0)
    s = np.float32(1.0) / (np.float32(1.0) + np.exp(-steep * (off - slack)))
    return s, steep * s * (np.float32(1.0) - s)


@numba.njit(cache=True, nogil=True)
def _outlines(c, shares, values, gradient, total):  # pragma: no cover - compiled
    up, down, steep, slack, weight = values
    cored = np.isfinite(up)
    for i in range(c.size):
        core, edema, background = shares[0, i], shares[1, i], shares[2, i]
        slope = np.float32(0.0)
        if core > 0 and cored:
            r, d = _wrong(up - c[i], steep, slack)
            total[0] += weight * core * r * r
            by = 2 * weight * core * r * d
            slope -= by
            total[1] += by
        if edema > 0:
            r, d = _wrong(down - c[i], steep, slack)
            q, e = np.float32(0.0), np.float32(0.0)
            if cored:
                q, e = _wrong(c[i] - up, steep, slack)
            total[0] += weight * edema * (r + q) * (r + q)
            by = 2 * weight * edema * (r + q)
            slope += by * (e - d)
            total[1] -= by * e
            total[2] += by * d
        if background > 0:
            r, d = _wrong(c[i] - down, steep, slack)
            total[0] += weight * background * r * r
            by = 2 * weight * background * r * d
            slope += by
            total[2] -= by
        gradient[i] += slope
