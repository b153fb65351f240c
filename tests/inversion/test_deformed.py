"""A density that is deformed linearly."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit import Problem, SegmentationTarget, Theta, growth_model, simulate
from gliofit.inversion.deformed import Deformed, deformed_loss

THRESHOLDS = (0.6, 0.2)


@pytest.fixture(scope="module")
def density(small_tissue):
    return simulate(small_tissue, Theta((-4.0, 6.0, 2.0), 6.0, 2.6))


def seen(c):
    return SegmentationTarget(*((c > t).astype(np.float32) for t in THRESHOLDS)).voxelwise()


def loss_and_deformed(tissue, c, target):
    problem, extras = Problem(tissue, target), np.array(THRESHOLDS)
    found = deformed_loss(problem, c, extras)
    assert problem.runs.number == 0
    return target.loss(c, extras), found


def test_a_tumour_that_grew_farther_along_one_direction_is_explained(small_tissue, density):
    values = np.array([0.25, -0.1, 0.0, 0.1, 0.0, 0.0, 3.0, 0.0, -2.0])
    other = Deformed(density, small_tissue).simulate(small_tissue, values)
    before, after = loss_and_deformed(small_tissue, density, seen(other))
    assert after < 0.3 * before


def test_another_focus_is_not(small_tissue, density):
    both = (-18.0, 12.0, 2.0, 18.0, -14.0, 4.0, 3.0, 2.2)
    two = growth_model("fisher_kolmogorov", foci=2).simulate(small_tissue, both)
    one = growth_model("fisher_kolmogorov").simulate(small_tissue, (*both[:3], *both[6:]))
    before, after = loss_and_deformed(small_tissue, one, seen(two))
    assert after > 0.6 * before


def test_its_derivatives_are_those_of_finite_differences(small_tissue, density):
    model = Deformed(density, small_tissue)
    values = np.array([0.1, -0.05, 0.08, 0.04, -0.06, 0.03, 1.5, -2.0, 1.0])
    _, jacobian = model.simulate(small_tissue, values, jacobian=True)
    for i, step in enumerate([0.02] * 6 + [0.5] * 3):
        ends = [model.simulate(small_tissue, values + sign * step * np.eye(9)[i]) for sign in (1, -1)]
        expected = (ends[0] - ends[1]) / (2 * step)
        assert np.corrcoef(jacobian[i].ravel(), expected.ravel())[0, 1] > 0.95
        assert np.linalg.norm(jacobian[i]) == pytest.approx(np.linalg.norm(expected), rel=0.15)
