"""
Growth's part of the discrete loss, and the way between its levels, compiled: what the processor does in place of torch.

`crank_nicolson.SquaredResidual`, `loss.Strays` and `multigrid.finer` say what is computed. Here a moment of time stays
in a core's cache while all is done with it. Loops run over the voxels of a moment as one row, whatever their axes: a
core works on many of them at once.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from gliofit.base.arrays import Array


class Growth(NamedTuple):
    """
    What the terms about all moments are made with.

    Parameters
    ----------
    faces : ndarray of float32 [3, x, y, z]
        `padded_faces`.
    inside : ndarray of float32 [x, y, z]
        1 in tissue.
    dt : float
    pde, beyond, outside : float
        Factors of the mean squares of the residual, of what is beyond [0, 1] and of what is outside tissue.
    """

    faces: Array
    inside: Array
    dt: float
    pde: float
    beyond: float
    outside: float


def padded_faces(faces: list[Array], shape: tuple[int, ...]) -> Array:
    """`crank_nicolson.face_coefficients`, as long as the grid along all axes: no flux beyond the last voxel."""
    padded = np.zeros((3, *shape), np.float32)
    for axis, face in enumerate(faces):
        padded[(axis, *(slice(0, -1) if a == axis else slice(None) for a in range(3)))] = face
    return padded


def growth_terms(u: Array, d_w: float, rho: float, growth: Growth, gradient: Array) -> Array:
    """
    The mean squares of the residual and of stray densities, weighted.

    Parameters
    ----------
    u : ndarray of float32 [t, x, y, z]
        Contiguous.
    d_w, rho : float
    growth : Growth
    gradient : ndarray of float32 [t, x, y, z]
        Is overwritten with that of all terms' sum.

    Returns
    -------
    ndarray (5,)
        The residual's term and its derivatives by d_w and rho; beyond [0, 1]; outside tissue.
    """
    times, (_, ny, nz) = len(u), u.shape[1:]
    total = np.zeros(5)
    voxels = growth.inside.size
    weights = growth.pde / ((times - 1) * voxels), growth.beyond / u.size, growth.outside / u.size
    _growth(
        u.reshape(times, -1),
        np.array([d_w, rho, growth.dt], np.float32),
        growth.faces.reshape(3, -1),
        (ny * nz, nz, 1),
        growth.inside.ravel(),
        np.array(weights, np.float32),
        gradient.reshape(times, -1),
        total,
    )
    return total


def doubled(field: Array) -> Array:
    """Every axis of a float32 array doubled, linear between the centres of cells, constant beyond the outer ones."""
    for axis in reversed(range(field.ndim)):  # the last one, whose neighbours are side by side, while there is least
        n = field.shape[axis]
        rows = np.ascontiguousarray(field).reshape(math.prod(field.shape[:axis]), n, -1)
        out = np.empty((rows.shape[0], 2 * n, rows.shape[2]), np.float32)
        _doubled(rows, out)
        field = out.reshape(*field.shape[:axis], 2 * n, *field.shape[axis + 1 :])
    return field


def gathered(field: Array) -> Array:
    """The transpose of `doubled`."""
    for axis in range(field.ndim):
        n = field.shape[axis] // 2
        rows = np.ascontiguousarray(field).reshape(math.prod(field.shape[:axis]), 2 * n, -1)
        out = np.empty((rows.shape[0], n, rows.shape[2]), np.float32)
        _gathered(rows, out)
        field = out.reshape(*field.shape[:axis], n, *field.shape[axis + 1 :])
    return field


@numba.njit(cache=True, fastmath=True, nogil=True)
def _doubled(rows, out):  # pragma: no cover - compiled
    near, far = np.float32(0.75), np.float32(0.25)
    n = rows.shape[1]
    for r in range(rows.shape[0]):
        for i in range(n):
            low, high = max(i - 1, 0), min(i + 1, n - 1)
            for k in range(rows.shape[2]):
                here = near * rows[r, i, k]
                out[r, 2 * i, k] = here + far * rows[r, low, k]
                out[r, 2 * i + 1, k] = here + far * rows[r, high, k]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _gathered(rows, out):  # pragma: no cover - compiled
    near, far = np.float32(0.75), np.float32(0.25)
    n = out.shape[1]
    for r in range(rows.shape[0]):
        for i in range(n):
            # the odd cell of the one before leans on this, and the even cell of the next; the ends on themselves
            low, high = (2 * i - 1 if i else 0), (2 * i + 2 if i < n - 1 else 2 * i + 1)
            for k in range(rows.shape[2]):
                both = rows[r, 2 * i, k] + rows[r, 2 * i + 1, k]
                out[r, i, k] = near * both + far * (rows[r, low, k] + rows[r, high, k])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _spread(u, faces, strides, out):  # pragma: no cover - compiled
    """∇·(D∇u) of one moment, D_w = 1; the last face of every row along an axis is closed, so that rows need no ends."""
    out[:] = np.float32(0.0)
    for axis in range(3):
        step, face = strides[axis], faces[axis]
        ahead, beyond = u[step:], out[step:]  # indices that cannot be negative: else loops are not vectorised
        for i in range(ahead.size):
            out[i] += face[i] * (ahead[i] - u[i])
        for i in range(ahead.size):
            beyond[i] -= face[i] * (ahead[i] - u[i])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _growth(u, rates, faces, strides, inside, weights, gradient, total):  # pragma: no cover - compiled
    """
    Moment by moment: g = weight·K of the steps before and after it make what its rate adds to the gradient.
    """
    times, n = u.shape
    half, one, two, none = np.float32(0.5), np.float32(1.0), np.float32(2.0), np.float32(0.0)
    d_w, rho, dt = rates
    weight, beyond, gone = weights
    quick, steps = one / dt, two / dt
    before, after, spread = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    g0, g1, h = np.zeros(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    _spread(u[0], faces, strides, before)
    for t in range(times):
        c = u[t]
        if t + 1 < times:
            later = u[t + 1]
            _spread(later, faces, strides, after)
            square = none
            for i in range(n):
                a, b = c[i], later[i]
                rate = d_w * (before[i] + after[i]) + rho * (a * (one - a) + b * (one - b))
                r = ((b - a) * quick - half * rate) * inside[i]
                g1[i] = weight * r
                square += r * r
            total[0] += weight * square
        else:
            g1[:] = none
        by_d, by_rho = none, none
        for i in range(n):
            both = g0[i] + g1[i]
            h[i] = both
            by_d += both * before[i]
            by_rho += both * c[i] * (one - c[i])
        total[1] -= by_d
        total[2] -= by_rho
        _spread(h, faces, strides, spread)
        out = gradient[t]
        for i in range(n):
            out[i] = steps * (g0[i] - g1[i]) - d_w * spread[i] - rho * (one - two * c[i]) * h[i]
        wild, leaked = none, none
        for i in range(n):
            excess = min(c[i], none) + max(c[i] - one, none)
            lost = c[i] * (one - inside[i])
            wild += excess * excess
            leaked += lost * lost
            out[i] += two * (beyond * excess + gone * lost)
        total[3] += beyond * wild
        total[4] += gone * leaked
        before, after = after, before
        g0, g1 = g1, g0
