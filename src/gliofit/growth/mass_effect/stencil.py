"""
Kernels of linear elasticity on the staggered grid: coefficients, the residual, a smoothing step.

With e the strain, the stresses are

    σ_xx = λ tr e + 2μ e_xx   in cells,        σ_xy = 2μ e_xy   at the edges between four cells,

and (A u)_x = −(∂σ_xx/∂x + ∂σ_xy/∂y + ∂σ_xz/∂z) + κ u_x on the faces along x. Written as the divergence of a stress,
A has the terms in ∇λ and ∇μ by itself, and is symmetric.

All arrays are flat (`grid.Grid`); `size` is (nx, ny, nz, row), `spans` says where in each row cells lie inside the
skull – half of a head's box is outside –, and `per_mm` is 1/h per axis in single precision, so that no
sum is made in double. `apart` tells the compiler that no two arguments share memory: only then do loops along z become
vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.growth.cpu.compiled import apart, inlined

HALF, TWO, EIGHTH = np.float32(0.5), np.float32(2), np.float32(0.125)


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
def edges(part, parts, size, mu, exy, exz, eyz):
    """
    μ at the edges of a part of the planes of x.

    Stress goes through the four cells of an edge one after the other: their harmonic mean. At a wall (μ = 0 beyond)
    the displacement is 0 half an edge away, so that μ counts twice.
    """
    nx, ny, nz, row = size
    sx, sy = uintp((ny + 2) * row), uintp(row)
    for i in range(1 + (nx + 1) * part // parts, 1 + (nx + 1) * (part + 1) // parts):
        for j in range(1, ny + 2):
            o = uintp(i * row * (ny + 2) + j * row)
            for n in range(o + uintp(1), o + uintp(nz + 2)):
                z = n - uintp(1)
                exy[n] = _series(mu[n], mu[n - sx], mu[n - sy], mu[n - sx - sy])
                exz[n] = _series(mu[n], mu[n - sx], mu[z], mu[z - sx])
                eyz[n] = _series(mu[n], mu[n - sy], mu[z], mu[z - sy])


@apart
def diagonal(part, parts, size, spans, per_mm, lam, mu, kappa, exy, exz, eyz, ix, iy, iz):
    """1/diagonal of A on the faces that may move, those between two cells with μ > 0; 0 on all others."""
    nx, ny, _, row = size
    sx, sy = uintp((ny + 2) * row), uintp(row)
    wx, wy, wz = per_mm[0] * per_mm[0], per_mm[1] * per_mm[1], per_mm[2] * per_mm[2]
    zero, one, tiny = np.float32(0), np.float32(1), np.float32(1e-30)
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp(i) * sx + uintp(j) * sy
            begin, stop = spans[i * (ny + 2) + j]
            for n in range(o + uintp(begin), o + uintp(stop)):
                here = lam[n] + TWO * mu[n]
                x, y, z, above = n - sx, n - sy, n - uintp(1), n + uintp(1)
                dx = wx * (here + lam[x] + TWO * mu[x]) + wy * (exy[n] + exy[n + sy]) + wz * (exz[n] + exz[above])
                dy = wy * (here + lam[y] + TWO * mu[y]) + wx * (exy[n] + exy[n + sx]) + wz * (eyz[n] + eyz[above])
                dz = wz * (here + lam[z] + TWO * mu[z]) + wx * (exz[n] + exz[n + sx]) + wy * (eyz[n] + eyz[n + sy])
                dx += HALF * (kappa[n] + kappa[x])
                dy += HALF * (kappa[n] + kappa[y])
                dz += HALF * (kappa[n] + kappa[z])
                ix[n] = one / max(dx, tiny) if min(mu[n], mu[x]) > zero else zero
                iy[n] = one / max(dy, tiny) if min(mu[n], mu[y]) > zero else zero
                iz[n] = one / max(dz, tiny) if min(mu[n], mu[z]) > zero else zero


@apart
def coarsen(part, parts, fine, coarse, lam, mu, kappa, clam, cmu, ckappa):
    """Means over the cells inside (μ > 0) of each eight, where at least half of them are; 0 elsewhere."""
    _, ny, _, row = fine
    cx, cy, cz, crow = coarse
    sx, sy, one = uintp((ny + 2) * row), uintp(row), uintp(1)
    zero = np.float32(0)
    for i in range(1 + cx * part // parts, 1 + cx * (part + 1) // parts):
        for j in range(1, cy + 1):
            o = uintp((i * (cy + 2) + j) * crow)
            for k in range(1, cz + 1):
                # of an odd number of cells the last is padding, where μ = 0
                first = uintp(((2 * i - 1) * (ny + 2) + 2 * j - 1) * row + 2 * k - 1)
                number = a = b = c = zero
                for x in range(2):
                    for y in range(2):
                        for z in range(2):
                            n = first + uintp(x) * sx + uintp(y) * sy + uintp(z) * one
                            if mu[n] > zero:
                                number += np.float32(1)
                                a += lam[n]
                                b += mu[n]
                                c += kappa[n]
                share = np.float32(1) / number if number > np.float32(3.5) else zero
                n = o + uintp(k)
                clam[n], cmu[n], ckappa[n] = share * a, share * b, share * c


@inlined
def _stress(ux, uy, uz, lam, mu, n, sx, sy, gx, gy, gz):
    """σ_xx, σ_yy and σ_zz of cell n."""
    ex, ey, ez = (ux[n + sx] - ux[n]) * gx, (uy[n + sy] - uy[n]) * gy, (uz[n + uintp(1)] - uz[n]) * gz
    pressure, twice = lam[n] * (ex + ey + ez), TWO * mu[n]
    return pressure + twice * ex, pressure + twice * ey, pressure + twice * ez


@inlined
def _divergence(ux, uy, uz, lam, mu, kappa, exy, exz, eyz, n, sx, sy, gx, gy, gz):
    """−A u at the three faces n."""
    x, y, z = n - sx, n - sy, n - uintp(1)
    xp, yp, zp = n + sx, n + sy, n + uintp(1)
    here = _stress(ux, uy, uz, lam, mu, n, sx, sy, gx, gy, gz)
    xx = _stress(ux, uy, uz, lam, mu, x, sx, sy, gx, gy, gz)[0]
    yy = _stress(ux, uy, uz, lam, mu, y, sx, sy, gx, gy, gz)[1]
    zz = _stress(ux, uy, uz, lam, mu, z, sx, sy, gx, gy, gz)[2]
    xy = exy[n] * ((ux[n] - ux[y]) * gy + (uy[n] - uy[x]) * gx)
    xy_y = exy[yp] * ((ux[yp] - ux[n]) * gy + (uy[yp] - uy[yp - sx]) * gx)
    xy_x = exy[xp] * ((ux[xp] - ux[xp - sy]) * gy + (uy[xp] - uy[n]) * gx)
    xz = exz[n] * ((ux[n] - ux[z]) * gz + (uz[n] - uz[x]) * gx)
    xz_z = exz[zp] * ((ux[zp] - ux[n]) * gz + (uz[zp] - uz[zp - sx]) * gx)
    xz_x = exz[xp] * ((ux[xp] - ux[xp - uintp(1)]) * gz + (uz[xp] - uz[n]) * gx)
    yz = eyz[n] * ((uy[n] - uy[z]) * gz + (uz[n] - uz[y]) * gy)
    yz_z = eyz[zp] * ((uy[zp] - uy[n]) * gz + (uz[zp] - uz[zp - sy]) * gy)
    yz_y = eyz[yp] * ((uy[yp] - uy[yp - uintp(1)]) * gz + (uz[yp] - uz[n]) * gy)
    k = kappa[n]
    rx = (here[0] - xx) * gx + (xy_y - xy) * gy + (xz_z - xz) * gz - HALF * (k + kappa[x]) * ux[n]
    ry = (here[1] - yy) * gy + (xy_x - xy) * gx + (yz_z - yz) * gz - HALF * (k + kappa[y]) * uy[n]
    rz = (here[2] - zz) * gz + (xz_x - xz) * gx + (yz_y - yz) * gy - HALF * (k + kappa[z]) * uz[n]
    return rx, ry, rz


@apart
def residual(
    part, parts, size, spans, per_mm, ux, uy, uz, lam, mu, kappa, exy, exz, eyz, ix, iy, iz, sign,
    fx, fy, fz, rx, ry, rz,
):  # fmt: skip
    """r ← sign·f − A u on faces that may move, 0 on the others; outside `spans` r is left as it is."""
    nx, ny, _, row = size
    sx, sy = uintp((ny + 2) * row), uintp(row)
    gx, gy, gz = per_mm
    zero = np.float32(0)
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp(i) * sx + uintp(j) * sy
            begin, stop = spans[i * (ny + 2) + j]
            for n in range(o + uintp(begin), o + uintp(stop)):
                a, b, c = _divergence(ux, uy, uz, lam, mu, kappa, exy, exz, eyz, n, sx, sy, gx, gy, gz)
                rx[n] = sign * fx[n] + a if ix[n] > zero else zero
                ry[n] = sign * fy[n] + b if iy[n] > zero else zero
                rz[n] = sign * fz[n] + c if iz[n] > zero else zero


@apart
def relax(
    part, parts, size, spans, per_mm, ux, uy, uz, lam, mu, kappa, exy, exz, eyz, ix, iy, iz, along, anew,
    fx, fy, fz, bx, by, bz,
):  # fmt: skip
    """One step of Chebyshev iteration on A/diagonal: b ← u + along·(u − b) + anew·(f − A u)/diagonal."""
    nx, ny, _, row = size
    sx, sy = uintp((ny + 2) * row), uintp(row)
    gx, gy, gz = per_mm
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp(i) * sx + uintp(j) * sy
            begin, stop = spans[i * (ny + 2) + j]
            for n in range(o + uintp(begin), o + uintp(stop)):
                a, b, c = _divergence(ux, uy, uz, lam, mu, kappa, exy, exz, eyz, n, sx, sy, gx, gy, gz)
                bx[n] = ux[n] + along * (ux[n] - bx[n]) + anew * ix[n] * (fx[n] + a)
                by[n] = uy[n] + along * (uy[n] - by[n]) + anew * iy[n] * (fy[n] + b)
                bz[n] = uz[n] + along * (uz[n] - bz[n]) + anew * iz[n] * (fz[n] + c)
