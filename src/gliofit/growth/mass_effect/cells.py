"""Kernels on a tumour's state: stiffness and openness of tissue, growth's half steps, where cells are, CSF drained."""

from __future__ import annotations

import numpy as np
from numba import uintp

from gliofit.growth.cpu.compiled import apart, inlined

ZERO, ONE, TWO = (np.float32(v) for v in (0, 1, 2))


@apart
def stiffness(part, parts, size, spans, c, wm, gm, csf, inside, of_lam, of_mu, kappa_most, below, lam, mu, kappa):
    """
    λ, μ and κ of cells; 0 outside the skull.

    Parameters
    ----------
    of_lam, of_mu : tuple of float32
        Of white matter, grey matter, CSF and tumour, Pa.
    kappa_most, below : float32
        κ where there is no tumour, and the density at which it is half of that.
    """
    nx, ny, _, row = size
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp((i * (ny + 2) + j) * row)
            begin, stop = spans[i * (ny + 2) + j]
            for n in range(o + uintp(begin), o + uintp(stop)):
                tumour = min(c[n], ONE)
                w, g, s = wm[n], gm[n], csf[n]
                share = (ONE - tumour) / max(w + g + s, np.float32(1e-3))
                a = (w * of_lam[0] + g * of_lam[1] + s * of_lam[2]) * share + tumour * of_lam[3]
                b = (w * of_mu[0] + g * of_mu[1] + s * of_mu[2]) * share + tumour * of_mu[3]
                # where tissue has been diluted to nothing the medium is as soft as CSF
                lam[n] = inside[n] * max(a, of_lam[2])
                mu[n] = inside[n] * max(b, of_mu[2])
                kappa[n] = inside[n] * kappa_most * below / (max(c[n], ZERO) + below)


@inlined
def _firm(held, low, per):
    return min(max((held - low) * per, ZERO), ONE)


@apart
def openness(part, parts, size, spans, wm, gm, held, low, per, grey, largest, outside, d):
    """Diffusivity relative to white matter's; a face between −largest and tissue is closed (`Medium.diffusivity`)."""
    nx, ny, _, row = size
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp((i * (ny + 2) + j) * row)
            begin, stop = spans[i * (ny + 2) + j]
            for n in range(o + uintp(begin), o + uintp(stop)):
                firm = _firm(held[n], low, per)
                d[n] = firm * (min(wm[n] + gm[n] * grey, largest) + largest) - largest if firm > ZERO else outside


@apart
def take_up(part, parts, size, spans, state, gain, floor, empty, c, begins, ends):
    """
    c ← the state's density after a logistic flow, and the stretch of each row that is above a floor.

    Parameters
    ----------
    gain : float32
        exp(ρt) of the flow.
    begins, ends : int32 ndarray [nx + 2, ny + 2]
        As in `growth.cpu.region.Region`.
    """
    nx, ny, _, row = size
    less = gain - ONE
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp((i * (ny + 2) + j) * row)
            begin, stop = spans[i * (ny + 2) + j]
            most = ZERO
            for n in range(o + uintp(begin), o + uintp(stop)):
                q = state[n]
                q = q * gain / (ONE + q * less)
                c[n] = q
                most = max(most, q)
            begins[i, j], ends[i, j] = empty, np.int32(-1)
            if most > floor:
                first, last = begin, stop - 1
                while c[o + uintp(first)] <= floor:
                    first += 1
                while c[o + uintp(last)] <= floor:
                    last -= 1
                begins[i, j], ends[i, j] = np.int32(first), np.int32(last + 1)


@apart
def give_back(part, parts, size, spans, c, gain, amount, held, low, per, state):
    """
    The state's density ← c after a logistic flow; what is not tissue does not grow, and goes back by a whole `amount`.

    Parameters
    ----------
    gain : float32
        exp(ρt) of the flow, which goes back.
    amount : float32
        ρt since `take_up`.
    """
    nx, ny, _, row = size
    less = gain - ONE
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp((i * (ny + 2) + j) * row)
            begin, stop = spans[i * (ny + 2) + j]
            soft = ZERO
            for n in range(o + uintp(begin), o + uintp(stop)):
                q = c[n]
                state[n] = q * gain / (ONE + q * less)
                soft = max(soft, q if held[n] < low + ONE / per else ZERO)
            if soft > ZERO:
                for n in range(o + uintp(begin), o + uintp(stop)):
                    firm, q = _firm(held[n], low, per), state[n]
                    if firm < ONE and q > ZERO:
                        back = np.exp(-(ONE - firm) * amount)
                        state[n] = q * back / (ONE + q * (back - ONE))


@apart
def drain(part, parts, size, spans, wm, gm, csf):
    """CSF that finds no room beside WM and GM leaves the head, as it does through the spinal canal."""
    nx, ny, _, row = size
    for i in range(1 + nx * part // parts, 1 + nx * (part + 1) // parts):
        for j in range(1, ny + 1):
            o = uintp((i * (ny + 2) + j) * row)
            begin, stop = spans[i * (ny + 2) + j]
            for n in range(o + uintp(begin), o + uintp(stop)):
                csf[n] = min(csf[n], max(ONE - wm[n] - gm[n], ZERO))
