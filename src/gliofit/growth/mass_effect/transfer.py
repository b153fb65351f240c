"""
Kernels between a grid and the next coarser one, for displacements and forces on faces.

Along its own axis a component's faces of the coarse grid are every other face of the fine one; along the other axes it
is in the middle of cells. Both ways are linear interpolation and its transpose. Only rows and stretches inside are
visited (`spans`, of the grid that is written to).
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
def prolong(part, parts, fine, coarse, spans, v, d, u, rows):
    """
    u ← u + what v on the coarse grid is on those faces of the fine grid that may move.

    Parameters
    ----------
    fine, coarse : tuple of int
        (nx, ny, nz, row).
    spans : int64 ndarray [rows, 2]
        Of the fine grid.
    v : ndarray [3 coarse n]
    d : ndarray [3 fine n]
        1/diagonal, 0 on faces that may not move.
    u : ndarray [3 fine n]
    rows : ndarray [parts, row]
        Room for a row.
    """
    nx, ny, _, row = fine
    _, cy, cz, crow = coarse
    line = rows[part]
    zero, half, near, far = np.float32(0), np.float32(0.5), np.float32(0.75), np.float32(0.25)
    one = np.float32(1)
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            r = i * (ny + 2) + j
            if spans[r, 0] == spans[r, 1]:
                continue
            low, high = uintp(max(spans[r, 0] // 2, 1)), uintp(min(spans[r, 1] // 2, cz) + 1)
            for axis in range(3):
                i0, i1, wi = _between(i, axis == 0)
                j0, j1, wj = _between(j, axis == 1)
                a, b = uintp(((i0 * (cy + 2) + j0) * 3 + axis) * crow), uintp(((i0 * (cy + 2) + j1) * 3 + axis) * crow)
                c, e = uintp(((i1 * (cy + 2) + j0) * 3 + axis) * crow), uintp(((i1 * (cy + 2) + j1) * 3 + axis) * crow)
                wa, wb, wc, wd = wi * wj, wi * (one - wj), (one - wi) * wj, (one - wi) * (one - wj)
                for k in range(low - ONE, high + ONE):
                    line[k] = wa * v[a + k] + wb * v[b + k] + wc * v[c + k] + wd * v[e + k]
                o = uintp((r * 3 + axis) * row)
                if axis == 2:
                    for k in range(low, high):
                        n = o + k + k - ONE
                        u[n] += line[k] if d[n] > zero else zero
                        u[n + ONE] += half * (line[k] + line[k + ONE]) if d[n + ONE] > zero else zero
                else:
                    for k in range(low, high):
                        n = o + k + k - ONE
                        u[n] += near * line[k] + far * line[k - ONE] if d[n] > zero else zero
                        u[n + ONE] += near * line[k] + far * line[k + ONE] if d[n + ONE] > zero else zero


@inlined
def _share(offset, normal):
    """Share of a coarse plane in the fine one `offset` from 2N − 1 (−1 … 2)."""
    if normal:
        return np.float32(0.5) if offset == -1 or offset == 1 else np.float32(offset == 0)
    return np.float32(0.75) if offset == 0 or offset == 1 else np.float32(0.25)


@apart
def restrict(part, parts, fine, coarse, spans, r, f, rows):
    """f ← the transpose of `prolong`, over 8, of r; as sums over cells of eight times the volume ask."""
    nx, ny, _, row = fine
    cx, cy, cz, crow = coarse
    line = rows[part]
    scale = np.float32(0.125)
    half, near, far = np.float32(0.5) * scale, np.float32(0.75) * scale, np.float32(0.25) * scale
    step = uintp(3 * row)
    for i in range(1 + cx * part // parts, 1 + cx * (part + 1) // parts):
        for j in range(1, cy + 1):
            at = i * (cy + 2) + j
            if spans[at, 0] == spans[at, 1]:
                continue
            low, high = uintp(max(spans[at, 0], 1)), uintp(min(spans[at, 1], cz + 1))
            begin, stop = low + low - ONE - ONE, high + high
            for axis in range(3):
                for k in range(begin, stop):
                    line[k] = np.float32(0)
                w0, w1 = _share(-1, axis == 1), _share(0, axis == 1)
                w2, w3 = _share(1, axis == 1), _share(2, axis == 1)
                for di in range(-1, 3):
                    wi, x = _share(di, axis == 0), 2 * i - 1 + di
                    # beyond the last plane or row there is nothing; of an odd number the last is padding, too
                    if wi == 0 or x > nx + 1:
                        continue
                    o = uintp(((x * (ny + 2) + 2 * j - 2) * 3 + axis) * row)
                    a, b, c, e = wi * w0, wi * w1, wi * w2, wi * w3
                    last = o + step + step + (step if 2 * j + 1 <= ny + 1 else uintp(0))
                    for k in range(begin, stop):
                        near_ones = b * r[o + step + k] + c * r[o + step + step + k]
                        line[k] += a * r[o + k] + near_ones + e * r[last + k]
                o = uintp((at * 3 + axis) * crow)
                if axis == 2:
                    for k in range(low, high):
                        z = k + k - ONE
                        f[o + k] = scale * line[z] + half * (line[z - ONE] + line[z + ONE])
                else:
                    for k in range(low, high):
                        z = k + k - ONE
                        f[o + k] = near * (line[z] + line[z + ONE]) + far * (line[z - ONE] + line[z + ONE + ONE])
