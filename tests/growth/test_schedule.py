"""Time stepping: the polynomials are stable, second order and continuous in θ."""

import numpy as np
import pytest
from numpy.polynomial import legendre

from gliofit.growth.schedule import _polynomial, schedule

SPACING = np.full(3, 2.0)


def amplification(x, eigenvalue):
    """S(p) at eigenvalue·p of p·L, for x = p·λ_max/2, from numpy's Legendre polynomials."""
    s, alpha, beta, gamma, *_ = _polynomial(x)
    coefficients = np.zeros(s + 1)
    coefficients[0] += alpha
    coefficients[s - 1] += beta
    coefficients[s] += gamma
    return legendre.legval(1 + eigenvalue / x, coefficients)


@pytest.mark.parametrize("x", [0.01, 0.4, 1.0, 1.7, 2.5, 7.3, 22.0, 61.0])
def test_stable_on_the_whole_spectrum(x):
    spectrum = np.linspace(-2 * x, 0, 4001)
    assert np.abs(amplification(x, spectrum)).max() <= 1 + 1e-12


@pytest.mark.parametrize("x", [0.4, 1.7, 7.3, 61.0])
def test_matches_the_exponential_to_second_order(x):
    step = 1e-3
    error = [abs(amplification(x, z) - np.exp(z)) for z in (-step, -step / 2)]
    assert error[0] / error[1] == pytest.approx(8, rel=0.05)


@pytest.mark.parametrize("degree", range(2, 12))
def test_no_jump_where_a_stage_is_added(degree):
    node = (degree * (degree + 1) / 2 - 1) / 2
    below, above = (amplification(node + e, np.linspace(-2 * node, 0, 101)) for e in (-1e-9, 1e-9))
    assert _polynomial(node - 1e-9)[0] != _polynomial(node + 1e-9)[0]
    np.testing.assert_allclose(below, above, atol=1e-7)


@pytest.mark.parametrize(("mu_D", "mu_rho"), [(12.8, 3.8), (3.0, 5.0), (25.0, 1.5), (1.0, 0.0), (0.0, 2.0)])
def test_steps_add_up(mu_D, mu_rho):
    plan = schedule(mu_D, mu_rho, SPACING, 3.0)
    assert plan.growth.sum() == pytest.approx(mu_rho**2)
    # the first derivative of S(p) at zero is p, so the diffusion numbers add up to μ_D²
    diffusion = 0.0
    for s, (_, beta, gamma) in zip(plan.stages, plan.weights, strict=True):
        diffusion += (beta * s * (s - 1) / 2 + gamma * s * (s + 1) / 2) * 2 / 3.0
    assert diffusion == pytest.approx(mu_D**2)


@pytest.mark.parametrize("name", ["weights", "growth"])
def test_derivatives_of_the_tables(name):
    mu_D, mu_rho, e = 9.3, 3.1, 1e-6
    up, here, down = (schedule(mu_D + d, mu_rho, SPACING, 3.0) for d in (e, 0, -e))
    slope = (getattr(up, name) - getattr(down, name)) / (2 * e)
    np.testing.assert_allclose(getattr(here, f"{name}_mu_D"), slope, atol=1e-7)


def test_scale_lengthens_the_last_step_only():
    grow = 1 + 1e-7
    here, longer = (schedule(9.3 * np.sqrt(s), 3.1 * np.sqrt(s), SPACING, 3.0) for s in (1, grow))
    slope = (longer.growth - here.growth) / 1e-7
    np.testing.assert_allclose(slope, here.growth_scale, atol=1e-5)
    assert np.count_nonzero(here.growth_scale) == 2
