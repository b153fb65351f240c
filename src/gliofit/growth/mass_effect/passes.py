"""
Passes over the cells inside: A u, smoothing steps, and several of them in one go.

`stencil` has A and how its coefficients lie. A pass reads its neighbours' results of the pass before, so pass s may
follow pass s − 1 a plane of x and a row of y behind: what one has written is then still in the cache for the next. Rows
are visited in tiles of y, small enough for the planes in flight. From memory this takes a third of what pass after pass
takes, and memory is what a solve waits for. Several threads, each with some planes of its own, do one pass after the
other.
"""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.growth.cpu.compiled import apart, inlined, kernel
from gliofit.growth.mass_effect.stencil import HALF, KINDS, TWO, XY, XZ, YZ

BEGIN, RELAX, REST, TURN, PULL = range(5)
"""
Kinds of a pass; u and v are two displacements that swap at each RELAX, (i, j, k) its numbers.

    BEGIN   u ← k·f/diagonal                                  the first smoothing step from 0
    RELAX   v ← i·u − j·v + k·(f − A u)/diagonal              a Chebyshev step; Σ v·f
    REST    r ← f − A u                                       Σ r²
    TURN    u ← f + i·u
    PULL    r ← −A u                                          Σ u·r

Sums are over all faces. Where faces may not move, A u and r are 0.
"""

ZERO = np.float32(0)

TILE = 16
"""Rows of a tile."""


@inlined
def _divergence(u, k, x, y, t, la, sx, sy, w, gx, gy, gz):
    """−A u at three faces: those of the cell whose components are u[x], u[y], u[t]; its coefficients begin at k[la]."""
    one, ky = uintp(1), uintp(KINDS) * w
    kx = uintp(KINDS // 3) * sx
    mu, ka = la + w, la + w + w
    xy, xz, yz = la + uintp(XY) * w, la + uintp(XZ) * w, la + uintp(YZ) * w
    ux, uy, uz = u[x], u[y], u[t]
    x1, y1, z1 = u[x + sx], u[y + sy], u[t + one]
    ex, ey, ez = (x1 - ux) * gx, (y1 - uy) * gy, (z1 - uz) * gz
    pressure, twice = k[la] * (ex + ey + ez), TWO * k[mu]
    ax, ay, az = (ux - u[x - sx]) * gx, (u[y - sx + sy] - u[y - sx]) * gy, (u[t - sx + one] - u[t - sx]) * gz
    rx = (pressure + twice * ex - k[la - kx] * (ax + ay + az) - TWO * k[mu - kx] * ax) * gx
    ax, ay, az = (u[x - sy + sx] - u[x - sy]) * gx, (uy - u[y - sy]) * gy, (u[t - sy + one] - u[t - sy]) * gz
    ry = (pressure + twice * ey - k[la - ky] * (ax + ay + az) - TWO * k[mu - ky] * ay) * gy
    ax, ay, az = (u[x - one + sx] - u[x - one]) * gx, (u[y - one + sy] - u[y - one]) * gy, (uz - u[t - one]) * gz
    rz = (pressure + twice * ez - k[la - one] * (ax + ay + az) - TWO * k[mu - one] * az) * gz
    sxy = k[xy] * ((ux - u[x - sy]) * gy + (uy - u[y - sx]) * gx)
    sxz = k[xz] * ((ux - u[x - one]) * gz + (uz - u[t - sx]) * gx)
    syz = k[yz] * ((uy - u[y - one]) * gz + (uz - u[t - sy]) * gy)
    rx += (k[xy + ky] * ((u[x + sy] - ux) * gy + (y1 - u[y + sy - sx]) * gx) - sxy) * gy
    rx += (k[xz + one] * ((u[x + one] - ux) * gz + (z1 - u[t + one - sx]) * gx) - sxz) * gz
    ry += (k[xy + kx] * ((x1 - u[x + sx - sy]) * gy + (u[y + sx] - uy) * gx) - sxy) * gx
    ry += (k[yz + one] * ((u[y + one] - uy) * gz + (z1 - u[t + one - sy]) * gy) - syz) * gz
    rz += (k[xz + kx] * ((x1 - u[x + sx - one]) * gz + (u[t + sx] - uz) * gx) - sxz) * gx
    rz += (k[yz + ky] * ((y1 - u[y + sy - one]) * gz + (u[t + sy] - uz) * gy) - syz) * gy
    held = k[ka]
    rx -= HALF * (held + k[ka - kx]) * ux
    ry -= HALF * (held + k[ka - ky]) * uy
    rz -= HALF * (held + k[ka - one]) * uz
    return rx, ry, rz


@apart
def _relax(begin, stop, o, la, sx, sy, w, gx, gy, gz, k, d, f, u, v, keep, back, anew):
    total = ZERO
    for z in range(begin, stop):
        x, y, t = o + z, o + w + z, o + w + w + z
        a, b, c = _divergence(u, k, x, y, t, la + z, sx, sy, w, gx, gy, gz)
        fx, fy, fz = f[x], f[y], f[t]
        vx = keep * u[x] - back * v[x] + anew * d[x] * (fx + a)
        vy = keep * u[y] - back * v[y] + anew * d[y] * (fy + b)
        vz = keep * u[t] - back * v[t] + anew * d[t] * (fz + c)
        v[x], v[y], v[t] = vx, vy, vz
        total += vx * fx + vy * fy + vz * fz
    return total


@apart
def _rest(begin, stop, o, la, sx, sy, w, gx, gy, gz, k, d, f, u, r):
    total = ZERO
    for z in range(begin, stop):
        x, y, t = o + z, o + w + z, o + w + w + z
        a, b, c = _divergence(u, k, x, y, t, la + z, sx, sy, w, gx, gy, gz)
        a, b, c = (
            f[x] + a if d[x] > ZERO else ZERO,
            f[y] + b if d[y] > ZERO else ZERO,
            f[t] + c if d[t] > ZERO else ZERO,
        )
        r[x], r[y], r[t] = a, b, c
        total += a * a + b * b + c * c
    return total


@apart
def _pull(begin, stop, o, la, sx, sy, w, gx, gy, gz, k, d, u, r):
    total = ZERO
    for z in range(begin, stop):
        x, y, t = o + z, o + w + z, o + w + w + z
        a, b, c = _divergence(u, k, x, y, t, la + z, sx, sy, w, gx, gy, gz)
        a, b, c = a if d[x] > ZERO else ZERO, b if d[y] > ZERO else ZERO, c if d[t] > ZERO else ZERO
        r[x], r[y], r[t] = a, b, c
        total += a * u[x] + b * u[y] + c * u[t]
    return total


@apart
def _begin(begin, stop, o, w, d, f, u, anew):
    for z in range(begin, stop):
        x, y, t = o + z, o + w + z, o + w + w + z
        u[x], u[y], u[t] = anew * d[x] * f[x], anew * d[y] * f[y], anew * d[t] * f[t]


@apart
def _turn(begin, stop, o, w, f, u, keep):
    for z in range(begin, stop):
        x, y, t = o + z, o + w + z, o + w + w + z
        u[x], u[y], u[t] = f[x] + keep * u[x], f[y] + keep * u[y], f[t] + keep * u[t]


@kernel
def passes(part, parts, size, spans, per_mm, kinds, numbers, tile, k, d, f, u, v, r, out):
    """
    Do some passes; out[part] ← the last one's sum.

    Parameters
    ----------
    kinds : int64 ndarray [n]
    numbers : float32 ndarray [n, 3]
    tile : int
        Rows of a tile.
    k, d : ndarray
        Coefficients, and 1/diagonal.
    f, u, v, r : ndarray [3 n]
        As in the kinds of passes. Those that a kind does not name may be any.
    """
    nx, ny, _, row = size
    gx, gy, gz = per_mm
    w = uintp(row)
    sy = uintp(3) * w
    sx, ky = uintp(ny + 2) * sy, uintp(KINDS) * w
    number, total = len(kinds), 0.0
    first, last = 1 + nx * part // parts, 1 + nx * (part + 1) // parts
    for begins in range(1, ny + number, tile):
        for front in range(first, last + number - 1):
            swapped = False
            for s in range(number):
                i, kind, keep, back, anew = front - s, kinds[s], numbers[s, 0], numbers[s, 1], numbers[s, 2]
                p, q = (v, u) if swapped else (u, v)
                swapped ^= kind == RELAX
                if i < first or i >= last:
                    continue
                for j in range(max(begins - s, 1), min(begins - s + tile, ny + 1)):
                    at = uintp(i * (ny + 2) + j)
                    begin, stop = uintp(spans[at, 0]), uintp(spans[at, 1])
                    if begin == stop:
                        continue
                    o, la, along = at * sy, at * ky, ZERO
                    if kind == RELAX:
                        along = _relax(begin, stop, o, la, sx, sy, w, gx, gy, gz, k, d, f, p, q, keep, back, anew)
                    elif kind == REST:
                        along = _rest(begin, stop, o, la, sx, sy, w, gx, gy, gz, k, d, f, p, r)
                    elif kind == PULL:
                        along = _pull(begin, stop, o, la, sx, sy, w, gx, gy, gz, k, d, p, r)
                    elif kind == TURN:
                        _turn(begin, stop, o, w, f, p, keep)
                    else:
                        _begin(begin, stop, o, w, d, f, p, anew)
                    if s == number - 1:
                        total += float(along)
    out[part] = total
