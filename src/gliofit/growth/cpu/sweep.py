"""
CPU kernels of the Fisher–Kolmogorov scheme (numba).

Fields, the density and, if asked for, its tangents, are rows of an array; each is flat, z contiguous, padded by a voxel
on every side and along z to a multiple of LANES. The diffusivity d is −1e9 outside tissue, so that max(0, d_i + d_j)
is twice the arithmetic mean of two tissue voxels and exactly zero across any other face: no flux leaves the tissue,
and no mask is read.

A step of s stages is one sweep over the x planes in which stage j works on the plane behind stage j − 1, so that a
plane stays in the cache for all stages (two buffers suffice: a stage overwrites the values of two stages before).
The same skew cuts y into tiles, small enough for the planes in flight to fit into a core's own cache: each stage of
a tile is one row behind the last, and takes over the two rows that the tile before left there. The buffers have
`ring` rows a plane, and a row y takes the place of row y − ring, which no stage needs any more: so they are small
enough to stay in the cache that all cores share. Threads take a slab of planes each; near its inner ends a slab stops
one plane earlier per stage, and the wedges left open are closed afterwards. Only rows (x, y), and of them only the
stretch of z, with tumour nearby are visited; all else is zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange, uintp

from gliofit.growth.cpu.llvm_rows import LANES, finish_row, stage_row

OUTSIDE = -1e9
"""Diffusivity of voxels that hold no tumour."""

EMPTY = np.int32(1 << 20)
"""Start of a row without tumour."""

_options: dict[str, Any] = {"fastmath": {"contract", "reassoc", "nsz", "arcp"}, "cache": True, "nogil": True}


@njit(parallel=True, **_options)
def diffusivity_field(wm, gm, ratio, threshold, out):
    """
    Padded diffusivity: p_WM + p_GM/R in tissue, OUTSIDE elsewhere. `out` [nx + 2, ny + 2, ≥ nz + 2].

    Returns its largest value per x plane.
    """
    nx, ny, nz = wm.shape
    largest = np.zeros(nx + 2, out.dtype)
    for i in prange(nx + 2):
        out[i] = OUTSIDE
        if 0 < i <= nx:
            for j in range(ny):
                for k in range(nz):
                    w, g = wm[i - 1, j, k], gm[i - 1, j, k]
                    if w + g >= threshold:
                        out[i, j + 1, k + 1] = w + g / ratio
                        largest[i] = max(largest[i], out[i, j + 1, k + 1])
    return largest


@njit(**_options)
def _first_above(c, low, high, floor):
    """First voxel of low … high in which c exceeds `floor`, `high` if there is none."""
    while low < high and c[low] <= floor:
        low += 1
    return low


@njit(**_options)
def _stop_above(c, low, high, floor):
    """One past the last such voxel, `low` if there is none."""
    while high > low and c[high - 1] <= floor:
        high -= 1
    return high


@njit(**_options)
def _begin(part, slab, phase, inset):
    """First plane that the stage `inset` after the first may visit: a slab's trapezium (phase 0) or a wedge (1)."""
    if phase == 0:
        return slab[part] + (inset if part > 0 else 0)
    return max(slab[part] - inset, slab[0])


@njit(**_options)
def _end(part, slab, phase, inset):
    """One past the last such plane."""
    if phase == 0:
        return slab[part + 1] - (inset if part < slab.size - 2 else 0)
    return min(slab[part] + inset, slab[-1])


@njit(**_options)
def _slot(y, turn, ring):
    """Place of row y in a plane of a buffer; `turn` is a multiple of `ring` that is less than two rings before y."""
    slot = y - turn
    return slot - ring if slot >= ring else slot


@njit(**_options)
def _place(x, slot, ring, sy):
    """Offset of row (x, y) in a buffer."""
    return (x * ring + slot) * sy


@njit(**_options)
def _along_y(slot, ring, sy):
    """Steps in a buffer from row y to rows y + 1 and y − 1."""
    return sy if slot < ring - 1 else sy - ring * sy, -sy if slot > 0 else ring * sy - sy


@njit(**_options)
def _clear(buffer, begin, stop):
    for k in range(buffer.shape[0]):
        for n in range(uintp(begin), uintp(stop)):
            buffer[k, n] = 0


@njit(**_options)
def _vacate(a, b, used, x, y_low, y_high, low, high, row_at, sy):
    """Zero in the buffers what other rows left in the places of rows y_low … y_high, around these rows' stretches."""
    ring = used.shape[1]
    turn = y_low - y_low % ring
    for y in range(y_low, y_high):
        slot = _slot(y, turn, ring)
        mine, r = used[x, slot], row_at[x, y]
        before, after = mine[0], mine[1]
        begin, stop = (low[r], high[r]) if row_at[x, y + 1] > r else (after, after)
        mine[0], mine[1] = begin, stop
        if before < begin or after > stop:
            place = _place(x, slot, ring, sy)
            for buffer in (a, b):
                _clear(buffer, place + before, place + min(begin, after))
                _clear(buffer, place + max(stop, before), place + after)


@njit(parallel=True, **_options)
def sweep(fields, y, a, b, used, d, base, low, high, row_y, row_at, slab, y_begin, y_end, tile, back, s, sx,
          sy, w, c1, c2, mix, own, gain, floor, new_low, new_high):  # fmt: skip
    """
    A step of s stages: y ← logistic(α·y + β·P_{s−1} y + γ·P_s y), and its tangents.

    Parameters
    ----------
    fields : tuple
        As long as there are fields, the density and its tangents.
    y : ndarray [fields, n]
    a, b : ndarray [fields, ≥ (nx + 2)·ring·sy]
        Buffers (P_j y for odd and even j); as far from field to field as y.
    used : int32 ndarray [nx + 2, ring, 2]
        The stretch of z of each place in the buffers in which they are not zero.
    d : ndarray [n]
        Diffusivity.
    base, low, high : ndarray [rows]
        Rows to visit: flat offset and stretch of z (multiples of LANES).
    row_y : ndarray [rows]
        y of each row.
    row_at : ndarray [nx + 2, ny + 2]
        First row of plane x that is not before y.
    slab : ndarray [parts + 1]
        Planes that split the work.
    y_begin, y_end, tile : int
        y is worked through in tiles of this many rows; ring is more than tile + s, or as many rows as there are.
    back : bool
        Begin with the last tile. A step that begins where the last one ended finds more of y in the shared cache.
    sx, sy : int
        Offsets along x and y.
    w, mix : tuples of float
        ω/(2h²) per axis; (α, β, γ).
    c1, c2 : ndarray [> s]
        Coefficients of the recurrence per stage.
    own : ndarray [fields, 4]
        Derivatives of α, β, γ and of ρt by each tangent's parameter; 0 for those by the origin.
    gain : float
        exp(ρt) − 1 of the logistic flow at the step's end.
    new_low, new_high : ndarray [rows]
        Receive the stretch above `floor`.
    """
    parts, ny, ring = slab.size - 1, row_at.shape[1] - 1, used.shape[1]
    across = ring * sy
    for y_from in range(y_begin - 1, y_end + s - 1, tile):  # from the row before, whose place others may have used
        for phase in range(min(parts, 2)):
            for part in prange(parts):
                if phase == 0 or part > 0:
                    x_from = slab[part] if phase == 0 else slab[part] - (s - 1)
                    x_to = slab[part + 1] if phase == 0 else slab[part] + (s - 1)
                    for front in range(x_from, x_to + (s - 1)):
                        for j in range(1, s + 1):
                            x = front - (j - 1)
                            if x < _begin(part, slab, phase, j - 1) or x >= _end(part, slab, phase, j - 1):
                                continue
                            q = y if j == 1 else (a if j % 2 == 0 else b)
                            before = y if j <= 2 else (a if j % 2 == 1 else b)
                            out = a if j % 2 == 1 else b
                            y_low, y_high = y_from - (j - 1), y_from - (j - 1) + tile
                            if back:
                                y_low, y_high = y_begin + y_end - y_high, y_begin + y_end - y_low
                            y_low, y_high = min(max(y_low, 0), ny), min(max(y_high, 0), ny)
                            if j == 1:
                                _vacate(a, b, used, x, y_low, y_high, low, high, row_at, sy)
                            turn = y_low - y_low % ring
                            for r in range(row_at[x, y_low], row_at[x, y_high]):
                                first, blocks = base[r] + low[r], (high[r] - low[r]) // LANES
                                slot = _slot(row_y[r], turn, ring)
                                here = _place(x, slot, ring, sy) - base[r]
                                above, below = _along_y(slot, ring, sy)
                                to = (sx, -sx, sy, -sy) if j == 1 else (across, -across, above, below)
                                at = (0 if j == 1 else here, 0 if j <= 2 else here, here)
                                if j < s:
                                    stage_row(fields, q, before, out, d, at, to, first, blocks, sx, sy, w, c1[j], c2[j])
                                    continue
                                finish_row(fields, q, before, y, d, at, to, first, blocks, sx, sy, w, c1[j], c2[j],
                                           mix, own, gain)  # fmt: skip
                                c = y[0, base[r] : base[r] + high[r]]
                                new_low[r] = _first_above(c, low[r], high[r], floor)
                                new_high[r] = _stop_above(c, low[r], high[r], floor)
                                if new_low[r] == high[r]:
                                    new_low[r], new_high[r] = EMPTY, -1


@njit(**_options)
def _cover(first, last, low, high):
    """Widen the stretches first … last so that they hold low … high."""
    for j in range(uintp(first.size)):
        first[j], last[j] = min(first[j], low[j]), max(last[j], high[j])


@njit(**_options)
def active_rows(low, high, width, base, begin, end, row_y, row_at, row_length, nz):
    """
    Rows to visit in the next step: the support, grown by `width` voxels on every side.

    Parameters
    ----------
    low, high : int32 ndarray [nx + 2, ny + 2]
        Stretch of each padded row above the floor; (EMPTY, −1) where there is none.
    width : int
    base, begin, end : int64 ndarray
        Filled with the rows' flat offsets and their stretches, rounded out to multiples of LANES.
    row_y : int64 ndarray
        Filled with each row's y.
    row_at : int64 ndarray [nx + 2, ny + 2]
        Filled, for the planes that have rows, with the first row that is not before y.
    row_length, nz : int
        Padded and true number of voxels along z.

    Returns
    -------
    voxels : int64 ndarray [nx + 2]
        To visit per plane.
    rows : int
        Their number.
    """
    nx, ny = low.shape
    voxels = np.zeros(nx, np.int64)
    i0, i1, j0, j1 = nx, 0, ny, 0
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            if high[i, j] >= 0:
                i0, i1, j0, j1 = min(i0, i), i + 1, min(j0, j), max(j1, j + 1)
    if i1 == 0:
        return voxels, 0
    i0, i1, j0, j1 = max(1, i0 - width), min(nx - 1, i1 + width), max(1, j0 - width), min(ny - 1, j1 + width)
    first = np.full((nx, ny), EMPTY, np.int32)
    last = np.full((nx, ny), -1, np.int32)
    for i in range(i0, i1):  # widen along y …
        for shift in range(-width, width + 1):
            a, b = max(j0, j0 - shift), min(j1, j1 - shift)
            _cover(first[i, a:b], last[i, a:b], low[i, a + shift :], high[i, a + shift :])
    rows = 0
    least, most = np.empty(ny, np.int32), np.empty(ny, np.int32)
    for i in range(i0, i1):  # … then along x, and by `width` along z
        least[:], most[:] = EMPTY, -1
        for ii in range(max(i0, i - width), min(i1, i + width + 1)):
            _cover(least[j0:j1], most[j0:j1], first[ii, j0:], last[ii, j0:])
        row_at[i, :j0] = rows
        for j in range(j0, j1):
            row_at[i, j] = rows
            if most[j] >= 0:
                base[rows] = (i * ny + j) * row_length
                row_y[rows] = j
                begin[rows] = max(1, least[j] - width) // LANES * LANES
                end[rows] = (min(nz + 1, most[j] + width) + LANES - 1) // LANES * LANES
                voxels[i] += end[rows] - begin[rows]
                rows += 1
        row_at[i, j1:] = rows
    return voxels, rows


@njit(parallel=True, **_options)
def lengthen(c, base, low, high, growth, tangent):
    """`tangent` ← growth·c·(1 − c), the derivative of a logistic flow by its length, in the rows to visit."""
    for r in prange(base.size):
        for n in range(uintp(base[r] + low[r]), uintp(base[r] + high[r])):
            tangent[n] = growth * c[n] * (1 - c[n])


@njit(parallel=True, **_options)
def combine(a, b, p, q, base, low, high):
    """a ← p·a + q·b in the rows to visit."""
    for r in prange(base.size):
        for n in range(uintp(base[r] + low[r]), uintp(base[r] + high[r])):
            a[n] = p * a[n] + q * b[n]


@njit(parallel=True, **_options)
def unpad(field, base, low, high, row_y, sx, out):
    """Copy the rows of a flat, padded field into `out` [nx, ny, nz]."""
    for r in prange(base.size):
        row, source = out[base[r] // sx - 1, row_y[r] - 1], field[base[r] + 1 :]
        for z in range(uintp(max(low[r], 1) - 1), uintp(min(high[r], out.shape[2] + 1) - 1)):
            row[z] = source[z]
