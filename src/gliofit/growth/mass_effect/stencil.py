"""
Coefficients of linear elasticity on the staggered grid, and those of the next coarser one.

With e the strain, the stresses are

    σ_xx = λ tr e + 2μ e_xx   in cells,        σ_xy = 2μ e_xy   at the edges between four cells,

and (A u)_x = −(∂σ_xx/∂x + ∂σ_xy/∂y + ∂σ_xz/∂z) + κ u_x on the faces along x. Written as the divergence of a stress,
A has the terms in ∇λ and ∇μ by itself, and is symmetric. `passes` applies it.

All arrays are flat. Of a row of cells (x, y) the coefficients lie one after the other, those of LAM … YZ, and so do the
components of a displacement (`grid.Grid`). `size` is (nx, ny, nz, row), `spans` says where in each row cells lie inside
the skull – half of a head's box is outside –, and `per_mm` is 1/h per axis in single precision, so that no sum is made
in double. `apart` tells the compiler that no two arguments share memory: only then do loops along z become vector
instructions.
"""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.growth.cpu.compiled import apart, inlined

LAM, MU, KAPPA, XY, XZ, YZ = range(6)
"""λ, μ and κ of cells, and μ at the edges between the cells of two axes."""

KINDS = 6

HALF, TWO = np.float32(0.5), np.float32(2)


@inlined
def _series(a, b, c, d):
    """Harmonic mean of the positive ones of four numbers, twice that if one is 0 and there is another; else 0."""
    zero, one, tiny = np.float32(0), np.float32(1), np.float32(1e-30)
    number = (one if a > zero else zero) + (one if b > zero else zero)
    number += (one if c > zero else zero) + (one if d > zero else zero)
    total = (one / max(a, tiny) if a > zero else zero) + (one / max(b, tiny) if b > zero else zero)
    total += (one / max(c, tiny) if c > zero else zero) + (one / max(d, tiny) if d > zero else zero)
    mean = number / max(total, tiny) if number > zero else zero
    return mean if number > np.float32(3.5) else TWO * mean


@apart
def edges(part, parts, size, spans, lam, mu, kappa, k):
    """
    λ, μ and κ of a part of the planes of x, and μ at their edges, into k.

    Stress goes through the four cells of an edge one after the other: their harmonic mean. At a wall (μ = 0 beyond)
    the displacement is 0 half an edge away, so that μ counts twice. `spans` reaches as far as edges are needed.
    """
    nx, ny, _, row = size
    w = uintp(row)
    sx, sy, one = uintp(ny + 2) * w, w, uintp(1)
    for i in range(1 + (nx + 1) * part // parts, 1 + (nx + 1) * (part + 1) // parts):
        for j in range(1, ny + 2):
            r = uintp(i * (ny + 2) + j)
            o, e = r * w, r * uintp(KINDS) * w
            xy, xz, yz = e + uintp(XY) * w, e + uintp(XZ) * w, e + uintp(YZ) * w
            for z in range(uintp(spans[r, 0]), uintp(spans[r, 1])):
                n = o + z
                k[e + z] = lam[n]
                k[e + w + z] = mu[n]
                k[e + w + w + z] = kappa[n]
            for z in range(uintp(spans[r, 0]), uintp(spans[r, 1])):
                n = o + z
                k[xy + z] = _series(mu[n], mu[n - sx], mu[n - sy], mu[n - sx - sy])
                k[xz + z] = _series(mu[n], mu[n - sx], mu[n - one], mu[n - sx - one])
                k[yz + z] = _series(mu[n], mu[n - sy], mu[n - one], mu[n - sy - one])


@apart
def diagonal(part, parts, size, spans, per_mm, k, d):
    """1/diagonal of A on the faces that may move, those between two cells with μ > 0; 0 on all others."""
    nx, ny, _, row = size
    w = uintp(row)
    ky = uintp(KINDS) * w
    kx, one = uintp(ny + 2) * ky, uintp(1)
    wx, wy, wz = per_mm[0] * per_mm[0], per_mm[1] * per_mm[1], per_mm[2] * per_mm[2]
    zero, unit, tiny = np.float32(0), np.float32(1), np.float32(1e-30)
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            r = uintp(i * (ny + 2) + j)
            la, o = r * ky, r * uintp(3) * w
            mu, ka, xy, xz, yz = la + w, la + w + w, la + uintp(XY) * w, la + uintp(XZ) * w, la + uintp(YZ) * w
            for z in range(uintp(spans[r, 0]), uintp(spans[r, 1])):
                m, held = k[mu + z], k[ka + z]
                here = k[la + z] + TWO * m
                mx, my, mz = k[mu - kx + z], k[mu - ky + z], k[mu - one + z]
                x, y, above = z - kx, z - ky, z + one
                ex, ey, ez = k[xy + z], k[xz + z], k[yz + z]
                dx = wx * (here + k[la + x] + TWO * mx) + wy * (ex + k[xy + ky + z]) + wz * (ey + k[xz + above])
                dy = wy * (here + k[la + y] + TWO * my) + wx * (ex + k[xy + kx + z]) + wz * (ez + k[yz + above])
                dz = wz * (here + k[la + z - one] + TWO * mz) + wx * (ey + k[xz + kx + z]) + wy * (ez + k[yz + ky + z])
                dx += HALF * (held + k[ka + x])
                dy += HALF * (held + k[ka + y])
                dz += HALF * (held + k[ka + z - one])
                d[o + z] = unit / max(dx, tiny) if min(m, mx) > zero else zero
                d[o + w + z] = unit / max(dy, tiny) if min(m, my) > zero else zero
                d[o + w + w + z] = unit / max(dz, tiny) if min(m, mz) > zero else zero


@apart
def coarsen(part, parts, fine, coarse, k, lam, mu, kappa):
    """Means over the cells inside (μ > 0) of each eight, where at least half of them are; 0 elsewhere."""
    _, ny, _, row = fine
    cx, cy, cz, crow = coarse
    w = uintp(row)
    ky = uintp(KINDS) * w
    kx, one = uintp(ny + 2) * ky, uintp(1)
    zero = np.float32(0)
    for i in range(1 + cx * part // parts, 1 + cx * (part + 1) // parts):
        for j in range(1, cy + 1):
            o = uintp((i * (cy + 2) + j) * crow)
            # of an odd number of cells the last is padding, where μ = 0
            first = uintp((2 * i - 1) * (ny + 2) + 2 * j - 1) * ky
            for c in range(uintp(1), uintp(cz + 1)):
                number = la = m = ka = zero
                for x in range(2):
                    for y in range(2):
                        for z in range(2):
                            n = first + uintp(x) * kx + uintp(y) * ky + uintp(z) * one + c + c - one
                            here = k[n + w]
                            number += np.float32(1) if here > zero else zero
                            la += k[n]
                            m += here
                            ka += k[n + w + w]
                share = np.float32(1) / max(number, np.float32(1)) if number > np.float32(3.5) else zero
                lam[o + c], mu[o + c], kappa[o + c] = share * la, share * m, share * ka
