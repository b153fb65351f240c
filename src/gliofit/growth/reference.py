"""
One step of the scheme in plain numpy: what the compiled kernels compute, without what makes them fast.

A voxel i has six faces. The flux through a face to a neighbour k is that of the mean diffusivity of both, and none if
either is no tissue, so that

    (L y)_i = Σ_k D_ik (y_k − y_i) / h²,    D_ik = (d_i + d_k)/2 in tissue, else 0.

A step of diffusion is a polynomial in the operator, with P_j the Legendre polynomials and ω = 2/λ_max:

    P_0 y = y,    P_1 y = (1 + ωL) y,    P_j y = (2j − 1)/j · (1 + ωL) P_{j−1} y − (j − 1)/j · P_{j−2} y,
    m = α y + β P_{s−1} y + γ P_s y.

Then the density grows by the logistic flow over ρt, which is known in closed form:

    c = m G / (1 + m (G − 1)),    G = exp(ρt).

A tangent y' = ∂y/∂p obeys the derivatives of both. The polynomials are linear and know nothing of p, so that

    m' = α y' + β P_{s−1} y' + γ P_s y' + α' y + β' P_{s−1} y + γ' P_s y,
    c' = G / (1 + m (G − 1))² · (m' + (ρt)' m (1 − m)),

as ∂c/∂(ρt) = c (1 − c) = G / (1 + m (G − 1))² · m (1 − m). `schedule` says where α, β, γ and ρt come from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gliofit.base.arrays import Array


def operator(y: Array, d: Array, tissue: Array, spacing: Array) -> Array:
    """
    L y.

    Parameters
    ----------
    y : ndarray [x, y, z]
    d : ndarray [x, y, z]
        Diffusivity relative to white matter's.
    tissue : bool ndarray [x, y, z]
    spacing : ndarray (3,)
        h per axis, mm.
    """
    out = np.zeros_like(y)
    for axis, h in enumerate(spacing):
        of, into = np.moveaxis(y, axis, 0), np.moveaxis(out, axis, 0)
        (d_i, d_k), (in_i, in_k) = ((v[:-1], v[1:]) for v in (np.moveaxis(d, axis, 0), np.moveaxis(tissue, axis, 0)))
        flux = np.where(in_i & in_k, (d_i + d_k) / 2, 0) * (of[1:] - of[:-1]) / h**2
        into[:-1] += flux
        into[1:] -= flux
    return out


def polynomials(y: Array, stages: int, omega: float, *medium: Array) -> tuple[Array, Array]:
    """P_{s−1} y and P_s y for s ≥ 2 stages; `medium` is d, tissue and spacing of `operator`."""
    before, now = y, y + omega * operator(y, *medium)
    for j in range(2, stages + 1):
        onward = now + omega * operator(now, *medium)
        before, now = now, (2 * j - 1) / j * onward - (j - 1) / j * before
    return before, now


def step(y: Array, stages: int, weights: Sequence, growth: float, own: Array, omega: float, *medium: Array) -> Array:
    """
    One step of the density and its tangents.

    Parameters
    ----------
    y : ndarray [fields, x, y, z]
        The density, then its tangents.
    stages : int
        s.
    weights : sequence of float
        α, β, γ.
    growth : float
        ρt of the logistic flow at the step's end.
    own : ndarray [fields, 4]
        α', β', γ' and (ρt)' of each field's parameter; the density's are not read.
    omega : float
        ω, mm².
    *medium
        d, tissue and spacing of `operator`.

    Returns
    -------
    ndarray [fields, x, y, z]
    """
    parts = [(field, *polynomials(field, stages, omega, *medium)) for field in y]
    mixed = [sum(w * part for w, part in zip(weights, of_field, strict=True)) for of_field in parts]
    m, gain = mixed[0], np.exp(growth)
    out = [m * gain / (1 + m * (gain - 1))]
    for tangent, (*by_weights, by_growth) in zip(mixed[1:], own[1:], strict=True):
        moved = tangent + sum(w * part for w, part in zip(by_weights, parts[0], strict=True))
        out.append(gain / (1 + m * (gain - 1)) ** 2 * (moved + by_growth * m * (1 - m)))
    return np.stack(out)
