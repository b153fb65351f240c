"""
Kernels on displacements and forces: sums, a step of conjugate gradients, what presses, how far to go.

All visit the cells inside the skull alone (`spans`): half of a head's box is outside, where these fields are 0. What
can be done in one pass is, as the memory's pace sets the time.
"""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.growth.cpu.compiled import apart

ZERO = np.float32(0)


@apart
def square(part, parts, size, spans, a, less, b, out):
    """out[part] ← Σ (a − less·b)²; rows in single precision, their sum in double."""
    nx, ny, _, row = size
    w, total = uintp(row), 0.0
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            r = uintp(i * (ny + 2) + j)
            o, along = uintp(3) * r * w, ZERO
            for x in range(o + uintp(spans[r, 0]), o + uintp(spans[r, 1])):
                y, z = x + w, x + w + w
                p, q, t = a[x] - less * b[x], a[y] - less * b[y], a[z] - less * b[z]
                along += p * p + q * q + t * t
            total += float(along)
    out[part] = total


@apart
def step(part, parts, size, spans, along, p, ap, u, r, out):
    """u ← u + along·p; r ← r + along·ap, and its square into out[part]."""
    nx, ny, _, row = size
    w, total = uintp(row), 0.0
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            at = uintp(i * (ny + 2) + j)
            o, square = uintp(3) * at * w, ZERO
            begin, stop = o + uintp(spans[at, 0]), o + uintp(spans[at, 1])
            for x in range(begin, stop):
                y, z = x + w, x + w + w
                u[x], u[y], u[z] = u[x] + along * p[x], u[y] + along * p[y], u[z] + along * p[z]
            for x in range(begin, stop):
                y, z = x + w, x + w + w
                a, b, c = r[x] + along * ap[x], r[y] + along * ap[y], r[z] + along * ap[z]
                r[x], r[y], r[z] = a, b, c
                square += a * a + b * b + c * c
            total += float(square)
    out[part] = total


@apart
def press(part, parts, size, spans, per_mm, psi, pressure, d, f):
    """f ← −pressure·∇ψ on the faces that may move, 0 on the others; ψ of cells."""
    nx, ny, _, row = size
    gx, gy, gz = pressure * per_mm[0], pressure * per_mm[1], pressure * per_mm[2]
    w, one = uintp(row), uintp(1)
    sx = uintp(ny + 2) * w
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            r = uintp(i * (ny + 2) + j)
            c, o = r * w, uintp(3) * r * w
            for z in range(uintp(spans[r, 0]), uintp(spans[r, 1])):
                n, x, y, t = c + z, o + z, o + w + z, o + w + w + z
                here = psi[n]
                f[x] = gx * (psi[n - sx] - here) if d[x] > ZERO else ZERO
                f[y] = gy * (psi[n - w] - here) if d[y] > ZERO else ZERO
                f[t] = gz * (psi[n - one] - here) if d[t] > ZERO else ZERO


@apart
def ahead(part, parts, size, spans, per_mm, moved, u, foreseen, correct, reach, out, largest):
    """
    out ← correct·(u − moved) + reach·(foreseen − u), and moved ← moved + out.

    The largest component of `out`, in cells, into largest[part].
    """
    nx, ny, _, row = size
    w, most = uintp(row), ZERO
    gx, gy, gz = per_mm
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            r = uintp(i * (ny + 2) + j)
            o, far = uintp(3) * r * w, ZERO
            for x in range(o + uintp(spans[r, 0]), o + uintp(spans[r, 1])):
                y, z = x + w, x + w + w
                a = correct * (u[x] - moved[x]) + reach * (foreseen[x] - u[x])
                b = correct * (u[y] - moved[y]) + reach * (foreseen[y] - u[y])
                c = correct * (u[z] - moved[z]) + reach * (foreseen[z] - u[z])
                out[x], out[y], out[z] = a, b, c
                moved[x], moved[y], moved[z] = moved[x] + a, moved[y] + b, moved[z] + c
                far = max(far, max(gx * abs(a), max(gy * abs(b), gz * abs(c))))
            most = max(most, far)
    largest[part] = most


@apart
def combine(part, parts, size, spans, i_a, a, i_b, b, out):
    """out ← i_a·a + i_b·b; also what copies (a and b may be one, i_b = 0) and clears (both 0)."""
    nx, ny, _, row = size
    w = uintp(row)
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            r = uintp(i * (ny + 2) + j)
            o = uintp(3) * r * w
            for x in range(o + uintp(spans[r, 0]), o + uintp(spans[r, 1])):
                y, z = x + w, x + w + w
                out[x], out[y], out[z] = i_a * a[x] + i_b * b[x], i_a * a[y] + i_b * b[y], i_a * a[z] + i_b * b[z]


@apart
def dot(part, parts, size, spans, a, b, out):
    """out[part] ← Σ a·b; rows in single precision, their sum in double."""
    nx, ny, _, row = size
    w, total = uintp(row), 0.0
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            r = uintp(i * (ny + 2) + j)
            o, along = uintp(3) * r * w, ZERO
            for x in range(o + uintp(spans[r, 0]), o + uintp(spans[r, 1])):
                y, z = x + w, x + w + w
                along += a[x] * b[x] + a[y] * b[y] + a[z] * b[z]
            total += float(along)
    out[part] = total
