"""
CPU kernels of the Fisher–Kolmogorov scheme (numba).

Fields are flat arrays, z contiguous, padded by a voxel on every side and along z to a multiple of LANES. The
diffusivity d is −1e9 outside tissue, so that max(0, d_i + d_j) is twice the arithmetic mean of two tissue voxels
and exactly zero across any other face: no flux leaves the tissue, and no mask is read.

A step of s stages is one sweep over the x planes in which stage j works on the plane behind stage j − 1, so that a
plane stays in the cache for all stages (two buffers suffice: a stage overwrites the values of two stages before).
Threads take a slab of planes each; near its inner ends a slab stops one plane earlier per stage, and the wedges left
open are closed afterwards. Where the planes of all fields in flight outgrow the cache, the same skew cuts y into tiles.
Only rows (x, y), and of them only the stretch of z, with tumour nearby are visited.

`parallel=True` also tells the compiler that arrays do not overlap, which is what lets it vectorise – but only as
long as no array gets a second name inside a parallel loop (numba drops the promise then), hence the long argument
lists. Blocks of LANES voxels of constant length leave no scalar remainder.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange, uintp

OUTSIDE = -1e9
"""Diffusivity of voxels that hold no tumour."""

FIELDS = 5
"""Density and its tangents by x, y, z and μ_D, which the tangent kernels carry together."""

LANES = 16
"""Voxels per block of the innermost loop."""

EMPTY = np.int32(1 << 20)
"""Start of a row without tumour."""

_options = {"fastmath": {"contract", "reassoc", "nsz", "arcp"}, "cache": True, "nogil": True}


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


@njit(inline="always")
def _faces(d, n, sx, sy, w):
    """Coefficients ω·D/h² of the six faces of voxel n; w holds ω/(2h²) per axis."""
    one, u, zero = uintp(1), d[n], w[0] - w[0]
    return (
        w[0] * max(zero, u + d[n + sx]),
        w[0] * max(zero, u + d[n - sx]),
        w[1] * max(zero, u + d[n + sy]),
        w[1] * max(zero, u + d[n - sy]),
        w[2] * max(zero, u + d[n + one]),
        w[2] * max(zero, u + d[n - one]),
    )


@njit(inline="always")
def _recurrence(q, before, n, sx, sy, f, c1, c2):
    """c1·(q + ωL q) − c2·before at voxel n, with the faces' coefficients f."""
    one, here = uintp(1), q[n]
    x = f[0] * (q[n + sx] - here) + f[1] * (q[n - sx] - here)
    y = f[2] * (q[n + sy] - here) + f[3] * (q[n - sy] - here)
    z = f[4] * (q[n + one] - here) + f[5] * (q[n - one] - here)
    return c1 * (here + ((x + y) + z)) - c2 * before[n]


@njit(inline="always")
def _stage_row(q, before, out, d, first, last, sx, sy, w, c1, c2):
    for block in range((last - first) // uintp(LANES)):
        begin = first + block * uintp(LANES)
        for lane in range(LANES):
            n = begin + uintp(lane)
            out[n] = _recurrence(q, before, n, sx, sy, _faces(d, n, sx, sy, w), c1, c2)


@njit(inline="always")
def _finish_row(q, before, y, d, first, last, sx, sy, w, c1, c2, mix, gain):
    one = q.dtype.type(1)
    for block in range((last - first) // uintp(LANES)):
        begin = first + block * uintp(LANES)
        for lane in range(LANES):
            n = begin + uintp(lane)
            final = _recurrence(q, before, n, sx, sy, _faces(d, n, sx, sy, w), c1, c2)
            c = mix[0] * y[n] + mix[1] * q[n] + mix[2] * final
            y[n] = c * (one + gain) / (one + c * gain)


@njit(inline="always")
def _first_above(y, start, low, high, floor):
    """First voxel of a row's stretch in which the density exceeds `floor`, EMPTY if there is none."""
    while low < high and y[start + low] <= floor:
        low += 1
    return low if low < high else EMPTY


@njit(inline="always")
def _stop_above(y, start, low, high, floor):
    """One past the last such voxel, −1 if there is none."""
    while high > low and y[start + high - 1] <= floor:
        high -= 1
    return high if low < high else -1


@njit(inline="always")
def _begin(part, slab, phase, inset):
    """First plane that the stage `inset` after the first may visit: a slab's trapezium (phase 0) or a wedge (1)."""
    if phase == 0:
        return slab[part] + (inset if part > 0 else 0)
    return max(slab[part] - inset, slab[0])


@njit(inline="always")
def _end(part, slab, phase, inset):
    """One past the last such plane."""
    if phase == 0:
        return slab[part + 1] - (inset if part < slab.size - 2 else 0)
    return min(slab[part] + inset, slab[-1])


@njit(parallel=True, **_options)
def sweep(
    y,
    a,
    b,
    d,
    base,
    low,
    high,
    plane,
    row_y,
    slab,
    y_begin,
    y_end,
    tile,
    stages,
    s,
    sx,
    sy,
    w,
    c1,
    c2,
    mix,
    gain,
    floor,
    new_low,
    new_high,
):
    """
    The first `stages` stages of a step of s stages; stage s also ends the step: y ← logistic(α·y + β·P_{s−1} y +
    γ·P_s y).

    Parameters
    ----------
    y, a, b, d : ndarray [n]
        Density, two buffers (P_j y for odd and even j), diffusivity.
    base, low, high : ndarray [rows]
        Rows to visit: flat offset and stretch of z (multiples of LANES).
    plane : ndarray [nx + 3]
        First row of each x plane.
    row_y : ndarray [rows]
        y of each row.
    slab : ndarray [parts + 1]
        Planes that split the work.
    y_begin, y_end, tile : int
        y is worked through in tiles of this many rows, each stage's one row behind the last's.
    w, mix : tuples of float
        ω/(2h²) per axis; (α, β, γ).
    c1, c2 : ndarray [> s]
        Coefficients of the recurrence per stage.
    gain : float
        exp(ρt) − 1 of the logistic flow at the step's end.
    new_low, new_high : ndarray [rows]
        Receive the stretch above `floor`.
    """
    parts = slab.size - 1
    for phase in range(2):
        for part in prange(parts):
            if phase == 0 or part > 0:
                x_from = slab[part] if phase == 0 else slab[part] - (stages - 1)
                x_to = slab[part + 1] if phase == 0 else slab[part] + (stages - 1)
                for y_from in range(y_begin, y_end + stages - 1, tile):
                    for front in range(x_from, x_to + (stages - 1)):
                        for j in range(1, stages + 1):
                            x = front - (j - 1)
                            if x < _begin(part, slab, phase, j - 1) or x >= _end(part, slab, phase, j - 1):
                                continue
                            p, q = c1[j], c2[j]
                            for r in range(plane[x], plane[x + 1]):
                                if row_y[r] < y_from - (j - 1) or row_y[r] >= y_from + tile - (j - 1):
                                    continue
                                start = uintp(base[r]) + uintp(low[r])
                                stop = uintp(base[r]) + uintp(high[r])
                                if j == s:
                                    if s == 2:
                                        _finish_row(a, y, y, d, start, stop, sx, sy, w, p, q, mix, gain)
                                    elif s % 2 == 1:
                                        _finish_row(b, a, y, d, start, stop, sx, sy, w, p, q, mix, gain)
                                    else:
                                        _finish_row(a, b, y, d, start, stop, sx, sy, w, p, q, mix, gain)
                                    new_low[r] = _first_above(y, base[r], low[r], high[r], floor)
                                    new_high[r] = _stop_above(y, base[r], low[r], high[r], floor)
                                elif j == 1:
                                    _stage_row(y, y, a, d, start, stop, sx, sy, w, p, q)
                                elif j == 2:
                                    _stage_row(a, y, b, d, start, stop, sx, sy, w, p, q)
                                elif j % 2 == 1:
                                    _stage_row(b, a, a, d, start, stop, sx, sy, w, p, q)
                                else:
                                    _stage_row(a, b, b, d, start, stop, sx, sy, w, p, q)


@njit(**_options)
def active_rows(low, high, width, base, begin, end, plane, row_y, row_length, nz):
    """
    Rows to visit in the next step: the support, grown by `width` voxels on every side.

    Parameters
    ----------
    low, high : int32 ndarray [nx + 2, ny + 2]
        Stretch of each padded row above the floor; (EMPTY, −1) where there is none.
    width : int
    base, begin, end : int64 ndarray
        Filled with the rows' flat offsets and their stretches, rounded out to multiples of LANES.
    plane : int64 ndarray [nx + 3]
        Filled with the first row of each plane.
    row_y : int64 ndarray
        Filled with each row's y.
    row_length, nz : int
        Padded and true number of voxels along z.

    Returns
    -------
    voxels : int64 ndarray [nx + 2]
        To visit per plane; their number of rows is plane[-1].
    """
    nx, ny = low.shape
    first = np.full((nx, ny), EMPTY, np.int32)
    last = np.full((nx, ny), -1, np.int32)
    i0, i1 = nx, 0
    for i in range(1, nx - 1):
        if high[i].max() >= 0:
            i0, i1 = min(i0, i), i
    i0, i1 = max(1, i0 - width), min(nx - 1, i1 + width + 1)
    for i in range(i0, i1):  # widen along y …
        for shift in range(-width, width + 1):
            here, there = max(1, 1 - shift), min(ny - 1, ny - 1 - shift)
            for j in range(here, there):
                first[i, j] = min(first[i, j], low[i, j + shift])
                last[i, j] = max(last[i, j], high[i, j + shift])
    rows = 0
    voxels = np.zeros(nx, np.int64)
    least, most = np.empty(ny, np.int32), np.empty(ny, np.int32)
    plane[: i0 + 1] = 0
    for i in range(i0, i1):  # … then along x, and by `width` along z
        least[:], most[:] = EMPTY, -1
        for ii in range(max(i0, i - width), min(i1, i + width + 1)):
            for j in range(1, ny - 1):
                least[j] = min(least[j], first[ii, j])
                most[j] = max(most[j], last[ii, j])
        for j in range(1, ny - 1):
            if most[j] >= 0:
                base[rows] = (i * ny + j) * row_length
                row_y[rows] = j
                begin[rows] = max(1, least[j] - width) // LANES * LANES
                end[rows] = (min(nz + 1, most[j] + width) + LANES - 1) // LANES * LANES
                voxels[i] += end[rows] - begin[rows]
                rows += 1
        plane[i + 1] = rows
    plane[i1 + 1 :] = rows
    return voxels
