"""
Kernels on displacements and forces [3, n]: sums, the steps of conjugate gradients, what presses, how far to go.

All visit the cells inside the skull alone (`spans`): half of a head's box is outside, where these fields are 0. What
can be done in one pass is, as the memory's pace sets the time.
"""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.growth.cpu.compiled import apart

ZERO = np.float32(0)


@apart
def dot(part, parts, size, spans, a, b, out):
    """out[part] ← Σ a·b; rows in single precision, their sum in double."""
    nx, ny, _, row = size
    total = 0.0
    for axis in range(3):
        p, q = a[axis], b[axis]
        for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
            for j in range(1, ny + 1):
                o = uintp((i * (ny + 2) + j) * row)
                begin, stop = spans[i * (ny + 2) + j]
                along = ZERO
                for n in range(o + uintp(begin), o + uintp(stop)):
                    along += p[n] * q[n]
                total += float(along)
    out[part] = total


@apart
def miss(part, parts, size, spans, a, b, out):
    """out[part] ← Σ (a − b)²."""
    nx, ny, _, row = size
    total = 0.0
    for axis in range(3):
        p, q = a[axis], b[axis]
        for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
            for j in range(1, ny + 1):
                o = uintp((i * (ny + 2) + j) * row)
                begin, stop = spans[i * (ny + 2) + j]
                along = ZERO
                for n in range(o + uintp(begin), o + uintp(stop)):
                    along += (p[n] - q[n]) * (p[n] - q[n])
                total += float(along)
    out[part] = total


@apart
def begin(part, parts, size, spans, anew, inverse, f, u, before):
    """The first step of a Chebyshev iteration from 0: u ← anew·f/diagonal; before ← 0."""
    nx, ny, _, row = size
    for axis in range(3):
        d, g, v, w = inverse[axis], f[axis], u[axis], before[axis]
        for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
            for j in range(1, ny + 1):
                o = uintp((i * (ny + 2) + j) * row)
                begin, stop = spans[i * (ny + 2) + j]
                for n in range(o + uintp(begin), o + uintp(stop)):
                    v[n] = anew * d[n] * g[n]
                    w[n] = ZERO


@apart
def turn(part, parts, size, spans, z, share, p):
    """p ← z + share·p."""
    nx, ny, _, row = size
    for axis in range(3):
        a, b = z[axis], p[axis]
        for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
            for j in range(1, ny + 1):
                o = uintp((i * (ny + 2) + j) * row)
                begin, stop = spans[i * (ny + 2) + j]
                for n in range(o + uintp(begin), o + uintp(stop)):
                    b[n] = a[n] + share * b[n]


@apart
def step(part, parts, size, spans, along, p, ap, u, r, out):
    """u ← u + along·p; r ← r + along·ap, and its square into out[part]."""
    nx, ny, _, row = size
    total = 0.0
    for axis in range(3):
        a, b, v, w = p[axis], ap[axis], u[axis], r[axis]
        for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
            for j in range(1, ny + 1):
                o = uintp((i * (ny + 2) + j) * row)
                begin, stop = spans[i * (ny + 2) + j]
                square = ZERO
                for n in range(o + uintp(begin), o + uintp(stop)):
                    v[n] += along * a[n]
                    left = w[n] + along * b[n]
                    w[n] = left
                    square += left * left
                total += float(square)
    out[part] = total


@apart
def press(part, parts, size, spans, strides, per_mm, psi, pressure, inverse, f):
    """f ← −pressure·∇ψ on the faces that may move, 0 on the others."""
    nx, ny, _, row = size
    for axis in range(3):
        d, g, s, by = inverse[axis], f[axis], uintp(strides[axis]), pressure * per_mm[axis]
        for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
            for j in range(1, ny + 1):
                o = uintp((i * (ny + 2) + j) * row)
                begin, stop = spans[i * (ny + 2) + j]
                for n in range(o + uintp(begin), o + uintp(stop)):
                    g[n] = by * (psi[n - s] - psi[n]) if d[n] > ZERO else ZERO


@apart
def ahead(part, parts, size, spans, per_mm, moved, u, before, correct, reach, out, largest):
    """out ← correct·(u − moved) + reach·(u − before); its largest component, in cells, into largest[part]."""
    nx, ny, _, row = size
    most = ZERO
    for axis in range(3):
        a, b, c, g = moved[axis], u[axis], before[axis], out[axis]
        for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
            for j in range(1, ny + 1):
                o = uintp((i * (ny + 2) + j) * row)
                begin, stop = spans[i * (ny + 2) + j]
                for n in range(o + uintp(begin), o + uintp(stop)):
                    g[n] = correct * (b[n] - a[n]) + reach * (b[n] - c[n])
                    most = max(most, per_mm[axis] * abs(g[n]))
    largest[part] = most
