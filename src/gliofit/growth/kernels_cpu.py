"""
CPU kernels of the Fisher–Kolmogorov scheme (numba).

Fields are flat arrays padded by one voxel on every side; z is contiguous. The diffusivity d is −1e9 outside tissue, so
that max(0, d_i + d_j) is twice the arithmetic mean of two tissue voxels and exactly zero across any other face: no
flux leaves the tissue, and no mask is read. Only the rows (x, y) and the stretch [low, high) of z where there is tumour
are visited. `parallel=True` also tells the compiler that the arrays do not overlap, which is what lets it vectorise
(an output may be the very array `before`: each element is read before it is written).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange, uintp

OUTSIDE = -1e9
"""Diffusivity of voxels that hold no tumour."""

FIELDS = 5
"""Density and its tangents by x, y, z and μ_D, which the tangent kernels carry together."""

_options = {"fastmath": {"contract", "reassoc", "nsz", "arcp"}, "cache": True, "nogil": True}


@njit(parallel=True, **_options)
def diffusivity_field(wm, gm, ratio, threshold, out):
    """Padded diffusivity: p_WM + p_GM/R in tissue, OUTSIDE elsewhere. `out` [nx+2, ny+2, nz+2]."""
    nx, ny, nz = wm.shape
    for i in prange(nx + 2):
        for j in range(ny + 2):
            if i == 0 or j == 0 or i == nx + 1 or j == ny + 1:
                out[i, j, :] = OUTSIDE
                continue
            out[i, j, 0] = OUTSIDE
            out[i, j, nz + 1] = OUTSIDE
            for k in range(nz):
                w, g = wm[i - 1, j - 1, k], gm[i - 1, j - 1, k]
                out[i, j, k + 1] = w + g / ratio if w + g >= threshold else OUTSIDE


@njit(inline="always")
def _flux(q, n, sx, sy, one, a, b, c, d, e, f):
    """Divergence of the flux at voxel n, given its six face coefficients."""
    here = q[n]
    x = a * (q[n + sx] - here) + b * (q[n - sx] - here)
    y = c * (q[n + sy] - here) + d * (q[n - sy] - here)
    return (x + y) + (e * (q[n + one] - here) + f * (q[n - one] - here))


@njit(inline="always")
def _faces(d, n, sx, sy, one, wx, wy, wz):
    """Coefficients ω·D/h² of the six faces of voxel n; the w's hold ω/(2h²)."""
    u, zero = d[n], wx - wx
    return (
        wx * max(zero, u + d[n + sx]),
        wx * max(zero, u + d[n - sx]),
        wy * max(zero, u + d[n + sy]),
        wy * max(zero, u + d[n - sy]),
        wz * max(zero, u + d[n + one]),
        wz * max(zero, u + d[n - one]),
    )


@njit(inline="always")
def _trim(y, start, low, high, floor):
    """The stretch of a row in which the density exceeds `floor`."""
    while low < high and y[start + low] <= floor:
        low += 1
    while high > low and y[start + high - 1] <= floor:
        high -= 1
    return low, high


@njit(parallel=True, **_options)
def stage(a, before, out, d, base, low, high, chunk, sx, sy, wx, wy, wz, c1, c2):
    """One step of the Legendre recurrence: out = c1·(a + ωL a) − c2·before."""
    one = uintp(1)
    for t in prange(chunk.size - 1):
        for r in range(chunk[t], chunk[t + 1]):
            start = uintp(base[r])
            for n in range(start + uintp(low[r]), start + uintp(high[r])):
                e, w, no, s, u, v = _faces(d, n, sx, sy, one, wx, wy, wz)
                out[n] = c1 * (a[n] + _flux(a, n, sx, sy, one, e, w, no, s, u, v)) - c2 * before[n]


@njit(parallel=True, **_options)
def finish(a, before, y, d, base, low, high, chunk, sx, sy, wx, wy, wz, c1, c2, wa, wb, wc, gain, floor, nlow, nhigh):
    """
    Last stage, fused with the step's end: y ← logistic(α·y + β·a + γ·P_s y), in place.

    `gain` is exp(ρt) − 1 of the logistic flow. nlow, nhigh receive the stretch of each row above `floor`.
    """
    one, unit = uintp(1), (wx - wx) + y.dtype.type(1)
    for t in prange(chunk.size - 1):
        for r in range(chunk[t], chunk[t + 1]):
            start = uintp(base[r])
            for n in range(start + uintp(low[r]), start + uintp(high[r])):
                e, w, no, s, u, v = _faces(d, n, sx, sy, one, wx, wy, wz)
                last = c1 * (a[n] + _flux(a, n, sx, sy, one, e, w, no, s, u, v)) - c2 * before[n]
                c = wa * y[n] + wb * a[n] + wc * last
                y[n] = c * (unit + gain) / (unit + c * gain)
            nlow[r], nhigh[r] = _trim(y, base[r], low[r], high[r], floor)


@njit(parallel=True, **_options)
def stage_tangent(a, before, out, d, base, low, high, chunk, sx, sy, wx, wy, wz, c1, c2):
    """`stage` on FIELDS stacked fields [field, n] at once; the face coefficients are computed once for all."""
    one = uintp(1)
    for t in prange(chunk.size - 1):
        a0, a1, a2, a3, a4 = a[0], a[1], a[2], a[3], a[4]
        b0, b1, b2, b3, b4 = before[0], before[1], before[2], before[3], before[4]
        o0, o1, o2, o3, o4 = out[0], out[1], out[2], out[3], out[4]
        for r in range(chunk[t], chunk[t + 1]):
            start = uintp(base[r])
            for n in range(start + uintp(low[r]), start + uintp(high[r])):
                e, w, no, s, u, v = _faces(d, n, sx, sy, one, wx, wy, wz)
                o0[n] = c1 * (a0[n] + _flux(a0, n, sx, sy, one, e, w, no, s, u, v)) - c2 * b0[n]
                o1[n] = c1 * (a1[n] + _flux(a1, n, sx, sy, one, e, w, no, s, u, v)) - c2 * b1[n]
                o2[n] = c1 * (a2[n] + _flux(a2, n, sx, sy, one, e, w, no, s, u, v)) - c2 * b2[n]
                o3[n] = c1 * (a3[n] + _flux(a3, n, sx, sy, one, e, w, no, s, u, v)) - c2 * b3[n]
                o4[n] = c1 * (a4[n] + _flux(a4, n, sx, sy, one, e, w, no, s, u, v)) - c2 * b4[n]


@njit(parallel=True, **_options)
def finish_tangent(
    a, q, y, base, low, high, chunk, wa, wb, wc, da, db, dc, gain, dgain, ea, eb, ec, egain, extra, floor, nlow, nhigh
):
    """
    End of a step for the density and its tangents, given a = P_{s-1} y and q = P_s y, all [field, n].

    da, db, dc and dgain are the derivatives of α, β, γ and of the logistic flow's time by μ_D; ea … egain those
    along the time scale, whose tangent `extra` [3, n] = (P_0, P_{s-1}, P_s) is carried in the last step only (else empty).
    """
    y0, y1, y2, y3, y4 = y[0], y[1], y[2], y[3], y[4]
    a0, a1, a2, a3, a4 = a[0], a[1], a[2], a[3], a[4]
    q0, q1, q2, q3, q4 = q[0], q[1], q[2], q[3], q[4]
    unit = y.dtype.type(1)
    for t in prange(chunk.size - 1):
        for r in range(chunk[t], chunk[t + 1]):
            start = uintp(base[r])
            for n in range(start + uintp(low[r]), start + uintp(high[r])):
                c = wa * y0[n] + wb * a0[n] + wc * q0[n]
                t4 = wa * y4[n] + wb * a4[n] + wc * q4[n] + (da * y0[n] + db * a0[n] + dc * q0[n])
                scale = unit / (unit + c * gain)
                slope = (unit + gain) * scale * scale
                y1[n] = slope * (wa * y1[n] + wb * a1[n] + wc * q1[n])
                y2[n] = slope * (wa * y2[n] + wb * a2[n] + wc * q2[n])
                y3[n] = slope * (wa * y3[n] + wb * a3[n] + wc * q3[n])
                y4[n] = slope * (t4 + dgain * c * (unit - c))
                if extra.shape[0] > 0:
                    t5 = wa * extra[0, n] + wb * extra[1, n] + wc * extra[2, n]
                    t5 += ea * y0[n] + eb * a0[n] + ec * q0[n]
                    extra[0, n] = slope * (t5 + egain * c * (unit - c))
                y0[n] = c * (unit + gain) * scale
            nlow[r], nhigh[r] = _trim(y0, base[r], low[r], high[r], floor)


@njit(**_options)
def active_rows(low, high, width, base, rlow, rhigh, chunk, row_stride, nz):
    """
    Rows to visit in the next step: the support, grown by `width` voxels on every side.

    Parameters
    ----------
    low, high : int32 ndarray [nx + 2, ny + 2]
        Stretch of each padded row above the floor (empty: low ≥ high); replaced by the grown one.
    width : int
    base, rlow, rhigh : int64 ndarray
        Filled with the rows' flat offsets and stretches.
    chunk : int64 ndarray [parts + 1]
        Filled with row numbers that split the voxels evenly.

    Returns
    -------
    int
        Number of rows.
    """
    nx, ny = low.shape
    i0, i1, j0, j1 = nx, 0, ny, 0
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            if low[i, j] < high[i, j]:
                i0, i1, j0, j1 = min(i0, i), max(i1, i + 1), min(j0, j), max(j1, j + 1)
    i0, i1, j0, j1 = max(1, i0 - width), min(nx - 1, i1 + width), max(1, j0 - width), min(ny - 1, j1 + width)
    if i1 <= i0 or j1 <= j0:
        chunk[:] = 0
        return 0
    far = np.int32(1 << 30)
    first = np.empty((i1 - i0, j1 - j0), np.int32)
    last = np.empty((i1 - i0, j1 - j0), np.int32)
    for i in range(i0, i1):  # widen along y …
        for j in range(j0, j1):
            least, most = far, np.int32(-1)
            for jj in range(max(j0, j - width), min(j1, j + width + 1)):
                if low[i, jj] < high[i, jj]:
                    least, most = min(least, low[i, jj]), max(most, high[i, jj])
            first[i - i0, j - j0], last[i - i0, j - j0] = least, most
    rows = 0
    total = 0
    for i in range(i0, i1):  # … then along x, and by `width` along z
        for j in range(j0, j1):
            least, most = far, np.int32(-1)
            for ii in range(max(i0, i - width), min(i1, i + width + 1)):
                if first[ii - i0, j - j0] < last[ii - i0, j - j0]:
                    least, most = min(least, first[ii - i0, j - j0]), max(most, last[ii - i0, j - j0])
            if least < most:
                base[rows] = i * row_stride * ny + j * row_stride
                rlow[rows] = max(1, least - width)
                rhigh[rows] = min(nz + 1, most + width)
                total += rhigh[rows] - rlow[rows]
                rows += 1
    parts = chunk.size - 1
    done, part = 0, 1
    chunk[0] = 0
    for r in range(rows):
        done += rhigh[r] - rlow[r]
        while part < parts and done * parts >= total * part:
            chunk[part] = r + 1
            part += 1
    chunk[part:] = rows
    return rows
