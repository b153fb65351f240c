"""
Kernels between a grid and the next coarser one, for fields on faces.

Along its own axis a component's faces of the coarse grid are every other face of the fine one; along the other axes it
is in the middle of cells. Both ways are linear interpolation and its transpose.
"""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.growth.cpu.compiled import apart, inlined

ONE = uintp(1)
"""Unsigned as the indices it is added to: a sum with a signed number could be negative, and would be looked at."""


@inlined
def _between(n, normal):
    """Two coarse planes that fine plane n lies between, and the share of the first."""
    if normal:
        return (n + 1) // 2, n // 2 + 1, np.float32(0.5)
    near = (n + 1) // 2
    return near, (near - 1 if n % 2 == 1 else near + 1), np.float32(0.75)


@apart
def prolong(part, parts, fine, coarse, axis, v, inverse, u, rows):
    """
    u ← u + what v, a component along `axis` on the coarse grid, is on those faces of the fine grid that may move.

    Parameters
    ----------
    fine, coarse : tuple of int
        (nx, ny, nz, row).
    axis : int
    v : ndarray [coarse n]
    inverse : ndarray [fine n]
        1/diagonal, 0 on faces that may not move.
    u : ndarray [fine n]
    rows : ndarray [parts, row]
        Room for a row.
    """
    nx, ny, _, row = fine
    _, cy, cz, crow = coarse
    csx = (cy + 2) * crow
    line = rows[part]
    zero, half, near, far = np.float32(0), np.float32(0.5), np.float32(0.75), np.float32(0.25)
    one = np.float32(1)
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        i0, i1, wi = _between(i, axis == 0)
        for j in range(1, ny + 1):
            j0, j1, wj = _between(j, axis == 1)
            a, b = uintp(i0 * csx + j0 * crow), uintp(i0 * csx + j1 * crow)
            c, d = uintp(i1 * csx + j0 * crow), uintp(i1 * csx + j1 * crow)
            wa, wb, wc, wd = wi * wj, wi * (one - wj), (one - wi) * wj, (one - wi) * (one - wj)
            for k in range(uintp(cz + 2)):
                line[k] = wa * v[a + k] + wb * v[b + k] + wc * v[c + k] + wd * v[d + k]
            o = uintp((i * (ny + 2) + j) * row)
            if axis == 2:
                for k in range(ONE, uintp(cz + 1)):
                    n = o + k + k - ONE
                    u[n] += line[k] if inverse[n] > zero else zero
                    u[n + ONE] += half * (line[k] + line[k + ONE]) if inverse[n + ONE] > zero else zero
            else:
                for k in range(ONE, uintp(cz + 1)):
                    n = o + k + k - ONE
                    u[n] += near * line[k] + far * line[k - ONE] if inverse[n] > zero else zero
                    u[n + ONE] += near * line[k] + far * line[k + ONE] if inverse[n + ONE] > zero else zero


@inlined
def _share(offset, normal):
    """Share of a coarse plane in the fine one `offset` from 2N − 1 (−1 … 2)."""
    if normal:
        return np.float32(0.5) if offset == -1 or offset == 1 else np.float32(offset == 0)
    return np.float32(0.75) if offset == 0 or offset == 1 else np.float32(0.25)


@apart
def restrict(part, parts, fine, coarse, axis, r, f, rows):
    """f ← the transpose of `prolong`, over 8, of r; as sums over cells of eight times the volume ask."""
    nx, ny, nz, row = fine
    cx, cy, cz, crow = coarse
    sx = (ny + 2) * row
    line = rows[part]
    scale = np.float32(0.125)
    half, near, far = np.float32(0.5) * scale, np.float32(0.75) * scale, np.float32(0.25) * scale
    for i in range(1 + cx * part // parts, 1 + cx * (part + 1) // parts):
        for j in range(1, cy + 1):
            for k in range(uintp(row)):
                line[k] = np.float32(0)
            for di in range(-1, 3):
                wi, x = _share(di, axis == 0), 2 * i - 1 + di
                if wi == 0 or x > nx + 1:
                    continue
                for dj in range(-1, 3):
                    w, y = wi * _share(dj, axis == 1), 2 * j - 1 + dj
                    if w == 0 or y > ny + 1:
                        continue
                    o = uintp(x * sx + y * row)
                    for k in range(uintp(nz + 2)):
                        line[k] += w * r[o + k]
            o = uintp((i * (cy + 2) + j) * crow)
            if axis == 2:
                for k in range(ONE, uintp(cz + 1)):
                    z = k + k - ONE
                    f[o + k] = scale * line[z] + half * (line[z - ONE] + line[z + ONE])
            else:
                for k in range(ONE, uintp(cz + 1)):
                    z = k + k - ONE
                    f[o + k] = near * (line[z] + line[z + ONE]) + far * (line[z - ONE] + line[z + ONE + ONE])
