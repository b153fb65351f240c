"""The model with a necrotic core: bounds, what is conserved, its limits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gliofit import InputError, Theta, growth_model, invert, simulate
from gliofit.growth.necrosis import Rates, Run, steps

THETA = (-4.0, 6.0, 2.0, 4.0, 3.3)
HUNGRY = Rates(0.8, 2.5, 0.5, 1.44)


def test_a_core_dies_and_all_stays_within_bounds(small_tissue):
    density, parts = growth_model("necrosis").simulate(small_tissue, [*THETA, 0.8], compartments=True)
    p, n, s = parts
    assert min(field.min() for field in parts) >= 0
    assert (p + n).max() <= 1 + 1e-6
    assert s.max() <= 1
    np.testing.assert_allclose(density, p + n, atol=1e-6)
    # necrosis inside, living cells around it
    assert n.max() > 0.5
    assert p[n > 0.5].max() < 0.1
    assert p[density > 0.2].max() > 0.3
    assert s[n > 0.5].max() < 0.6
    assert not density[~small_tissue.mask].any()


def test_without_consumption_it_is_fisher_kolmogorov(small_tissue):
    density = growth_model("necrosis").simulate(small_tissue, [*THETA, 0.0])
    np.testing.assert_allclose(density, simulate(small_tissue, Theta.from_array(THETA)), atol=1e-5)


def test_cells_and_nutrient_are_conserved_where_nothing_makes_or_takes_them(small_tissue):
    theta = Theta(THETA[:3], 6.0, 0.0)
    run = Run(small_tissue, theta, HUNGRY, steps(small_tissue, theta), 1)
    run.missing[:] = run.p
    before = run.p.sum(dtype=float)
    for step in range(len(run.length)):
        run.spread(step)
    assert run.p.sum(dtype=float) == pytest.approx(before, rel=1e-6)
    assert run.missing.sum(dtype=float) == pytest.approx(before, rel=1e-6)
    # death moves cells from one compartment to the other
    run.missing[:] = np.minimum(run.p * 100, 1)
    total, alive = (run.p + run.n).copy(), run.p.sum(dtype=float)
    run.rates = Rates(0.0, 2.5, 0.5, 1.44)
    run.missing[run.p > 0] = 1.0
    run.react(0.4)
    np.testing.assert_allclose(run.p + run.n, total, rtol=1e-6)
    assert run.p.sum(dtype=float) < 0.9 * alive


def test_shorter_steps_change_little_and_less(small_tissue):
    theta = Theta(THETA[:3], 5.0, 2.5)
    runs = []
    for refine in (1.0, 2.0, 4.0):
        parts = Run(small_tissue, theta, HUNGRY, steps(small_tissue, theta, refine), 1).go().compartments()
        runs.append(np.stack(parts))
    change, later = (float(np.abs(b - a).mean()) for a, b in pairwise(runs))
    assert later < change / 2.5
    assert np.abs(runs[1] - runs[2]).max() < 0.05


def test_gauss_newton_finds_the_consumption(small_tissue):
    tissue = small_tissue.working_grid(6.0, margin_mm=6.0)
    truth = np.array([*THETA, 0.5])
    density = growth_model("necrosis").simulate(tissue, truth)
    start = truth + np.array([3.0, -2.0, 2.0, 0.8, -0.2, 0.3])
    fit = invert(density, tissue, "gauss_newton", model="necrosis", start=start, iterations=10)
    assert fit.loss < 1e-5
    assert fit.parameters["consumption"] == pytest.approx(0.5, abs=0.1)


def test_what_cannot_be_is_told(small_tissue):
    with pytest.raises(InputError, match="must not be negative"):
        growth_model("necrosis").simulate(small_tissue, [*THETA, -0.1])
    with pytest.raises(InputError, match="threshold = -1"):
        growth_model("necrosis", threshold=-1)
