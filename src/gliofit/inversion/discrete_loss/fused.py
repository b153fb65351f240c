"""
The discrete loss's large operations in few passes over memory, compiled: what the processor does in place of torch.

`crank_nicolson.SquaredResidual`, `loss.Strays` and `multigrid.finer` say what is computed. Written in torch, the
residual is some thirty operations that each read and write whole time steps; here a time step is read with its
neighbours once for the residual and once for the gradient.
"""

from __future__ import annotations

import numba
import numpy as np

from gliofit.base.arrays import Array


def squared_residual(
    u: Array, d_w: float, rho: float, faces: list[Array], inside: Array, dt: float, scale: float
) -> tuple[Array, Array]:
    """
    Mean of (scale·K)² with its gradient.

    Parameters
    ----------
    u : ndarray of float32 [t, x, y, z]
        Contiguous.
    d_w, rho : float
    faces : list of 3 ndarray
        See `crank_nicolson.face_coefficients`.
    inside : ndarray of bool [x, y, z]
    dt : float
    scale : float

    Returns
    -------
    gradient : ndarray [t, x, y, z]
    total : ndarray (3,)
        The mean, and its derivatives by d_w and rho.
    """
    padded = []
    for axis, face in enumerate(faces):  # as long as the grid along all axes, no flux beyond the last voxel
        whole = np.zeros(inside.shape, np.float32)
        whole[tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))] = face
        padded.append(whole)
    gradient = np.empty_like(u)
    total = np.zeros(3)
    weight = scale**2 / ((len(u) - 1) * inside.size)
    fx, fy, fz = padded
    _fused(u, np.float32(d_w), np.float32(rho), fx, fy, fz, inside, np.float32(dt), weight, gradient, total)
    return gradient, total


def strays(u: Array, outside: Array, range_weight: float, csf_weight: float) -> tuple[Array, Array]:
    """
    Of a density [t, x, y, z], float32: weighted squares of what is beyond [0, 1], and of all that is outside tissue.

    Returns
    -------
    gradients : ndarray [2, t, x, y, z]
    terms : ndarray (2,)
    """
    gradients, terms = np.empty((2, *u.shape), np.float32), np.zeros(2)
    pair = gradients.reshape(2, len(u), -1)
    _strays(u.reshape(len(u), -1), outside.ravel(), np.float32(range_weight), np.float32(csf_weight), pair, terms)
    return gradients, terms


def doubled(field: Array) -> Array:
    """Every axis of a float32 array doubled, linear between the centres of cells, constant beyond the outer ones."""
    for axis, n in enumerate(field.shape):
        rows = np.ascontiguousarray(field).reshape(int(np.prod(field.shape[:axis])), n, -1)
        out = np.empty((rows.shape[0], 2 * n, rows.shape[2]), np.float32)
        _doubled(rows, out)
        field = out.reshape(*field.shape[:axis], 2 * n, *field.shape[axis + 1 :])
    return field


def gathered(field: Array) -> Array:
    """The transpose of `doubled`."""
    for axis in reversed(range(field.ndim)):
        n = field.shape[axis] // 2
        rows = np.ascontiguousarray(field).reshape(int(np.prod(field.shape[:axis])), 2 * n, -1)
        out = np.empty((rows.shape[0], n, rows.shape[2]), np.float32)
        _gathered(rows, out)
        field = out.reshape(*field.shape[:axis], n, *field.shape[axis + 1 :])
    return field


@numba.njit(cache=True, fastmath=True, nogil=True)
def _strays(u, outside, range_weight, csf_weight, gradients, terms):  # pragma: no cover - compiled
    none, one, two = np.float32(0.0), np.float32(1.0), np.float32(2.0)
    for t in range(u.shape[0]):
        wild, leaked = none, none
        for n in range(u.shape[1]):
            c = u[t, n]
            excess = c if c < none else (c - one if c > one else none)
            gone = c * outside[n]
            wild += excess * excess
            leaked += gone * gone
            gradients[0, t, n] = two * range_weight * excess
            gradients[1, t, n] = two * csf_weight * gone
        terms[0] += range_weight * wild
        terms[1] += csf_weight * leaked


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
def _spread(u, fx, fy, fz, out):  # pragma: no cover - compiled
    """∇·(D∇u) of one field, D_w = 1."""
    nx, ny, nz = u.shape
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                out[i, j, k] = 0.0
            if i + 1 < nx:
                for k in range(nz):
                    out[i, j, k] += fx[i, j, k] * (u[i + 1, j, k] - u[i, j, k])
            if i > 0:
                for k in range(nz):
                    out[i, j, k] -= fx[i - 1, j, k] * (u[i, j, k] - u[i - 1, j, k])
            if j + 1 < ny:
                for k in range(nz):
                    out[i, j, k] += fy[i, j, k] * (u[i, j + 1, k] - u[i, j, k])
            if j > 0:
                for k in range(nz):
                    out[i, j, k] -= fy[i, j - 1, k] * (u[i, j, k] - u[i, j - 1, k])
            for k in range(nz - 1):
                out[i, j, k] += fz[i, j, k] * (u[i, j, k + 1] - u[i, j, k])
            for k in range(1, nz):
                out[i, j, k] -= fz[i, j, k - 1] * (u[i, j, k] - u[i, j, k - 1])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _fused(u, d_w, rho, fx, fy, fz, inside, dt, weight, gradient, total):  # pragma: no cover - compiled
    """
    Time step by time step: g = weight·K of the step before and after a moment make what its rate adds to the gradient.
    """
    times, nx, ny, nz = u.shape
    half, one, two, none = np.float32(0.5), np.float32(1.0), np.float32(2.0), np.float32(0.0)
    steps = two / dt
    before, after = np.empty((nx, ny, nz), np.float32), np.empty((nx, ny, nz), np.float32)
    g0, g1 = np.zeros((nx, ny, nz), np.float32), np.empty((nx, ny, nz), np.float32)
    h, spread = np.empty((nx, ny, nz), np.float32), np.empty((nx, ny, nz), np.float32)
    w = np.float32(weight)
    _spread(u[0], fx, fy, fz, before)
    for t in range(times):
        if t + 1 < times:
            _spread(u[t + 1], fx, fy, fz, after)
            for i in range(nx):
                for j in range(ny):
                    part = none
                    for k in range(nz):
                        a, b = u[t, i, j, k], u[t + 1, i, j, k]
                        rates = d_w * (before[i, j, k] + after[i, j, k]) + rho * (a * (one - a) + b * (one - b))
                        r = ((b - a) / dt - half * rates) if inside[i, j, k] else none
                        g1[i, j, k] = w * r
                        part += r * r
                    total[0] += part
        else:
            g1[:] = none
        for i in range(nx):
            for j in range(ny):
                d, q = none, none
                for k in range(nz):
                    both = g0[i, j, k] + g1[i, j, k]
                    h[i, j, k] = both
                    d += both * before[i, j, k]
                    q += both * u[t, i, j, k] * (one - u[t, i, j, k])
                total[1] -= d
                total[2] -= q
        _spread(h, fx, fy, fz, spread)
        for i in range(nx):
            for j in range(ny):
                for k in range(nz):
                    growth = rho * (one - two * u[t, i, j, k]) * h[i, j, k]
                    change = steps * (g0[i, j, k] - g1[i, j, k])
                    gradient[t, i, j, k] = change - d_w * spread[i, j, k] - growth
        before, after = after, before
        g0, g1 = g1, g0
    total[0] *= weight
