"""
Padded fields: how they lie in memory, and what is done to all of them voxel by voxel.

Each is flat, z contiguous, padded by a voxel on every side and along z to a multiple of LANES.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import uintp

from gliofit.base.arrays import Array
from gliofit.growth.cpu.compiled import kernel

OUTSIDE = -1e9
"""Diffusivity of voxels that hold no tumour."""


CACHE_LINE, PAGE = 64, 4096
"""Bytes."""

STAGGER = 23
"""Cache lines by which fields are shifted against each other."""


def zeros(fields: int, sizes: Sequence[int], dtype: np.dtype) -> list[Array]:
    """
    Fields of zeros: an array [fields, ≥ n] for each size n, to use the first n of; as far from field to field in all.

    Each field begins at a cache line, and at another place of a memory page than the others: a vector then never
    straddles two lines, and rows of the same voxels of all fields do not compete for the same few places of the
    first-level cache, which cost a quarter of the tangents' time.
    """
    page, shift = PAGE // dtype.itemsize, STAGGER * CACHE_LINE // dtype.itemsize
    pages = np.cumsum([0, *(-(-n // page) + 1 for n in sizes)])
    stride = pages[-1] * page + shift
    starts = pages * page + np.arange(len(pages)) * fields * shift % page
    room = np.zeros(fields * stride + starts[-2] + page, dtype)
    room = room[-room.ctypes.data % PAGE // dtype.itemsize :]
    return [room[start : start + fields * stride].reshape(fields, stride) for start in starts[:-1]]


@kernel
def diffusivity_field(part, parts, wm, gm, ratio, threshold, out, largest):
    """
    A part of the padded diffusivity: p_WM + p_GM/R in tissue, OUTSIDE elsewhere.

    `out` [nx + 2, ny + 2, ≥ nz + 2]; `largest` [nx + 2] receives its largest value per x plane, or 0.
    """
    nx, ny, nz = wm.shape
    for i in range((nx + 2) * part // parts, (nx + 2) * (part + 1) // parts):
        out[i] = OUTSIDE
        if 0 < i <= nx:
            for j in range(ny):
                for k in range(nz):
                    w, g = wm[i - 1, j, k], gm[i - 1, j, k]
                    if w + g >= threshold:
                        out[i, j + 1, k + 1] = w + g / ratio
                        largest[i] = max(largest[i], out[i, j + 1, k + 1])


@kernel
def combine(part, parts, a, b, p, q, base, low, high):
    """a ← p·a + q·b in a part of the rows."""
    for r in range(base.size * part // parts, base.size * (part + 1) // parts):
        for n in range(uintp(base[r] + low[r]), uintp(base[r] + high[r])):
            a[n] = p * a[n] + q * b[n]


@kernel
def unpad(part, parts, field, base, low, high, row_y, sx, out):
    """Copy a part of the rows of a flat, padded field into `out` [nx, ny, nz]."""
    for r in range(base.size * part // parts, base.size * (part + 1) // parts):
        row, source = out[base[r] // sx - 1, row_y[r] - 1], field[base[r] + 1 :]
        for z in range(uintp(max(low[r], 1) - 1), uintp(min(high[r], out.shape[2] + 1) - 1)):
            row[z] = source[z]
