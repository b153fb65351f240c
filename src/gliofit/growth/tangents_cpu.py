"""The sweep of `kernels_cpu` for the density and its tangents together: faces are computed once for all fields."""

from __future__ import annotations

from numba import njit, prange, uintp

from gliofit.growth.kernels_cpu import LANES, _begin, _end, _faces, _first_above, _options, _recurrence, _stop_above


@njit(inline="always")
def _stage_row(
    q0, q1, q2, q3, q4, b0, b1, b2, b3, b4, o0, o1, o2, o3, o4, d, first, last, sx, sy, w, c1, c2
):  # fmt: skip
    for block in range((last - first) // uintp(LANES)):
        begin = first + block * uintp(LANES)
        for lane in range(LANES):
            n = begin + uintp(lane)
            f = _faces(d, n, sx, sy, w)
            o0[n] = _recurrence(q0, b0, n, sx, sy, f, c1, c2)
            o1[n] = _recurrence(q1, b1, n, sx, sy, f, c1, c2)
            o2[n] = _recurrence(q2, b2, n, sx, sy, f, c1, c2)
            o3[n] = _recurrence(q3, b3, n, sx, sy, f, c1, c2)
            o4[n] = _recurrence(q4, b4, n, sx, sy, f, c1, c2)


@njit(inline="always")
def _finish_row(
    q0, q1, q2, q3, q4, b0, b1, b2, b3, b4, y0, y1, y2, y3, y4,
    d, first, last, sx, sy, w, c1, c2, mix, dmix, gain, dgain,
):  # fmt: skip
    one = q0.dtype.type(1)
    for block in range((last - first) // uintp(LANES)):
        begin = first + block * uintp(LANES)
        for lane in range(LANES):
            n = begin + uintp(lane)
            f = _faces(d, n, sx, sy, w)
            p0 = _recurrence(q0, b0, n, sx, sy, f, c1, c2)
            p1 = _recurrence(q1, b1, n, sx, sy, f, c1, c2)
            p2 = _recurrence(q2, b2, n, sx, sy, f, c1, c2)
            p3 = _recurrence(q3, b3, n, sx, sy, f, c1, c2)
            p4 = _recurrence(q4, b4, n, sx, sy, f, c1, c2)
            c = mix[0] * y0[n] + mix[1] * q0[n] + mix[2] * p0
            own = dmix[0] * y0[n] + dmix[1] * q0[n] + dmix[2] * p0
            scale = one / (one + c * gain)
            slope = (one + gain) * scale * scale
            y1[n] = slope * (mix[0] * y1[n] + mix[1] * q1[n] + mix[2] * p1)
            y2[n] = slope * (mix[0] * y2[n] + mix[1] * q2[n] + mix[2] * p2)
            y3[n] = slope * (mix[0] * y3[n] + mix[1] * q3[n] + mix[2] * p3)
            y4[n] = slope * (mix[0] * y4[n] + mix[1] * q4[n] + mix[2] * p4 + own + dgain * c * (one - c))
            y0[n] = c * (one + gain) * scale


@njit(parallel=True, **_options)
def sweep_tangent(
    y0, y1, y2, y3, y4, a0, a1, a2, a3, a4, b0, b1, b2, b3, b4,
    d, base, low, high, plane, row_y, slab, y_begin, y_end, tile,
    stages, s, sx, sy, w, c1, c2, mix, dmix, gain, dgain, floor, new_low, new_high,
):  # fmt: skip
    """
    As `kernels_cpu.sweep`, for the density (field 0) and its tangents by x, y, z and μ_D (fields 1–4).

    `dmix` and `dgain` are the derivatives of `mix` and of the logistic flow's time by μ_D.
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
                                        _finish_row(
                                            a0, a1, a2, a3, a4, y0, y1, y2, y3, y4, y0, y1, y2, y3, y4,
                                            d, start, stop, sx, sy, w, p, q, mix, dmix, gain, dgain,
                                        )  # fmt: skip
                                    elif s % 2 == 1:
                                        _finish_row(
                                            b0, b1, b2, b3, b4, a0, a1, a2, a3, a4, y0, y1, y2, y3, y4,
                                            d, start, stop, sx, sy, w, p, q, mix, dmix, gain, dgain,
                                        )  # fmt: skip
                                    else:
                                        _finish_row(
                                            a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, y0, y1, y2, y3, y4,
                                            d, start, stop, sx, sy, w, p, q, mix, dmix, gain, dgain,
                                        )  # fmt: skip
                                    new_low[r] = _first_above(y0, base[r], low[r], high[r], floor)
                                    new_high[r] = _stop_above(y0, base[r], low[r], high[r], floor)
                                elif j == 1:
                                    _stage_row(
                                        y0, y1, y2, y3, y4, y0, y1, y2, y3, y4, a0, a1, a2, a3, a4,
                                        d, start, stop, sx, sy, w, p, q,
                                    )  # fmt: skip
                                elif j == 2:
                                    _stage_row(
                                        a0, a1, a2, a3, a4, y0, y1, y2, y3, y4, b0, b1, b2, b3, b4,
                                        d, start, stop, sx, sy, w, p, q,
                                    )  # fmt: skip
                                elif j % 2 == 1:
                                    _stage_row(
                                        b0, b1, b2, b3, b4, a0, a1, a2, a3, a4, a0, a1, a2, a3, a4,
                                        d, start, stop, sx, sy, w, p, q,
                                    )  # fmt: skip
                                else:
                                    _stage_row(
                                        a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, b0, b1, b2, b3, b4,
                                        d, start, stop, sx, sy, w, p, q,
                                    )  # fmt: skip


@njit(parallel=True, **_options)
def finish_scale(e, ea, eb, y, ya, yb, base, low, high, plane, mix, dmix, gain, dgain):
    """
    End of the last step for the tangent e along the time scale, in place.

    (e, ea, eb) and (y, ya, yb) are P_0, P_{s−1} and P_s of the tangent and of the density before the step's diffusion;
    dmix and dgain are derivatives along the time scale.
    """
    one = y.dtype.type(1)
    for x in prange(plane.size - 1):
        for r in range(plane[x], plane[x + 1]):
            for n in range(uintp(base[r] + low[r]), uintp(base[r] + high[r])):
                c = mix[0] * y[n] + mix[1] * ya[n] + mix[2] * yb[n]
                t = mix[0] * e[n] + mix[1] * ea[n] + mix[2] * eb[n] + dmix[0] * y[n] + dmix[1] * ya[n] + dmix[2] * yb[n]
                e[n] = (one + gain) / (one + c * gain) ** 2 * (t + dgain * c * (one - c))
