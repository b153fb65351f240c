"""
Time stepping of the Fisher–Kolmogorov equation: when to step, and the polynomial of each step.

Strang splitting alternates the exact logistic flow with diffusion. Growth ahead of the front commutes with diffusion,
so the splitting is nearly free of error there. Diffusion over a step p = D·Δt is a polynomial in the discrete
operator L
(for D_w = 1), built from Legendre polynomials of I + ωL with ω = 2/λ_max, whose values stay within ±1:

    S(p) = α + β P_{s-1}(I + ωL) + γ P_s(I + ωL),   α + β + γ = 1,   matching exp(pL) to second order.

With β = 0 this is the RKL2 scheme (Meyer, Balsara & Aslam 2014, J. Comput. Phys. 257); letting β fill the gap between
s - 1 and s stages makes the scheme continuous in p. Two things follow: the density does not jump when θ changes the
number of stages, and the costly part P_j(I + ωL) does not depend on θ at all, so that its derivative needs no
extra work in the stages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from gliofit.base.arrays import Array

GROWTH_PER_STEP = 0.75
"""ρ·Δt of a well-resolved front; sets the accuracy in time. See docs/benchmarks.md, convergence."""

RESOLUTION_PENALTY = 1.4
"""How much shorter steps become where the front √(D/ρ) is not resolved by the grid."""

SPREAD_PER_STEP = 0.25
"""2·D·Δt may be this share of the variance that the density's initial Gaussian has spread to."""

SEED_VARIANCE = 10.0
"""Variance per axis of the initial density, mm² (exp(−r²/20))."""


@dataclass(frozen=True)
class Schedule:
    """
    The steps from t = 0 to 1.

    Parameters
    ----------
    stages : int ndarray [n]
        Legendre degree s of each step.
    weights : ndarray [n, 3]
        α, β, γ of each step.
    growth : ndarray [n + 1]
        ρ·t of the logistic flow before each step and after the last.
    length : ndarray [n]
        Δt of each step.
    weights_mu_D, growth_mu_D : ndarray
        Their derivatives by μ_D, step lengths included.
    weights_scale, growth_scale : ndarray
        Derivatives along (D, ρ) → λ(D, ρ), which lengthens the last step only.
    """

    stages: Array
    weights: Array
    growth: Array
    weights_mu_D: Array
    growth_mu_D: Array
    weights_scale: Array
    growth_scale: Array
    length: Array

    @property
    def steps(self) -> int:
        return len(self.stages)

    @property
    def evaluations(self) -> int:
        """Applications of the diffusion operator."""
        return int(self.stages.sum())


@nb.njit(cache=True)
def _polynomial(x):
    """Degree and α, β, γ and their derivatives for x = p·λ_max/2 (two conditions at the operator's zero)."""
    s = 2
    while s * (s + 1) / 2 - 1 < 2 * x:
        s += 1
    u, v = s * (s + 1) / 2, s * (s - 1) / 2  # first derivatives of P_s and P_{s-1} at 1
    gamma = x * (2 * x - v + 1) / (u * s)
    beta = x * (u - 1 - 2 * x) / (s * v)
    dgamma = (4 * x - v + 1) / (u * s)
    dbeta = (u - 1 - 4 * x) / (s * v)
    return s, 1 - beta - gamma, beta, gamma, -dbeta - dgamma, dbeta, dgamma


@nb.njit(cache=True)
def _steps(D, rho, growth_per_step, penalty, spread, h):
    """Step lengths Δt (summing to 1) and their derivative by D; invariant under (D, ρ, 1/t) → λ(D, ρ, 1/t)."""
    front = np.sqrt(rho / D) if D > 0 else 0.0
    growth = rho * (1 + penalty * h * front) / growth_per_step
    dgrowth = -rho * penalty * h * front / (2 * D * growth_per_step) if D > 0 else 0.0
    length = [0.0]
    dlength = [0.0]
    length.pop()
    dlength.pop()
    t = dt_dD = 0.0
    while True:
        variance = SEED_VARIANCE + 2 * D * t
        rate = growth + 2 * D / (spread * variance)
        drate = dgrowth + 2 / (spread * variance) - 2 * D / (spread * variance**2) * (2 * t + 2 * D * dt_dD)
        step = 1 / rate if rate > 0 else 1.0
        if t + step >= 1 or len(length) >= 100_000:
            length.append(1 - t)
            dlength.append(-dt_dD)
            break
        length.append(step)
        dlength.append(-drate * step**2)
        t += step
        dt_dD += -drate * step**2
    return np.array(length), np.array(dlength)


@nb.njit(cache=True)
def _tables(mu_D, mu_rho, half_radius, length, dlength):
    D, rho = mu_D**2, mu_rho**2
    n = length.size
    stages = np.zeros(n, np.int64)
    weights, by_D, by_scale = np.zeros((n, 3)), np.zeros((n, 3)), np.zeros((n, 3))
    q, q_D, q_scale = np.zeros(n), np.zeros(n), np.zeros(n)
    for k in range(n):
        s, a, b, c, da, db, dc = _polynomial(D * length[k] * half_radius)
        stages[k] = s
        weights[k] = a, b, c
        slope = 2 * mu_D * (length[k] + D * dlength[k]) * half_radius
        by_D[k] = da * slope, db * slope, dc * slope
        q[k], q_D[k] = rho * length[k], 2 * mu_D * rho * dlength[k]
        if k == n - 1:
            by_scale[k] = da * D * half_radius, db * D * half_radius, dc * D * half_radius
            q_scale[k] = rho
    return stages, weights, by_D, by_scale, q, q_D, q_scale


def _merged(q: Array) -> Array:
    """Logistic half steps of neighbouring steps, joined."""
    half = np.concatenate([q, q]).reshape(2, -1) / 2
    return np.concatenate([half[0], [0.0]]) + np.concatenate([[0.0], half[1]])


def schedule(
    mu_D: float,
    mu_rho: float,
    spacing: Array,
    radius: float,
    refine: float = 1.0,
) -> Schedule:
    """
    Steps and polynomials for one θ on one grid.

    Parameters
    ----------
    mu_D, mu_rho : float
        mm and dimensionless.
    spacing : ndarray (3,)
        mm.
    radius : float
        Bound λ_max of the spectral radius of the diffusion operator for D_w = 1, 1/mm².
    refine : float
        Steps are this many times shorter than the default accuracy asks for.
    """
    length, dlength = _steps(
        mu_D**2,
        mu_rho**2,
        GROWTH_PER_STEP / refine,
        RESOLUTION_PENALTY,
        SPREAD_PER_STEP / refine,
        float(np.max(spacing)),
    )
    return _on(length, dlength, mu_D, mu_rho, radius)


def on_steps(length: Array, mu_D: float, mu_rho: float, radius: float) -> Schedule:
    """Polynomials for one θ on given steps Δt [n], which then do not depend on θ."""
    return _on(length, np.zeros_like(length), mu_D, mu_rho, radius)


def _on(length: Array, dlength: Array, mu_D: float, mu_rho: float, radius: float) -> Schedule:
    stages, weights, by_D, by_scale, q, q_D, q_scale = _tables(mu_D, mu_rho, radius / 2, length, dlength)
    return Schedule(stages, weights, _merged(q), by_D, _merged(q_D), by_scale, _merged(q_scale), length)
