"""A problem on the surrogate: its densities, their Jacobian, and the surrogate's error."""

from dataclasses import replace

import numpy as np
import pytest
from networks_for_tests import WaveSurrogate

from gliofit.growth import growth_model
from gliofit.inversion.problem import Problem
from gliofit.inversion.surrogate_problem import SurrogateProblem
from gliofit.observation.density import DensityTarget

VALUES = np.array([11.0, -7.0, 16.0, -6.0, 4.0, 9.0, 6.0, 3.0])


@pytest.fixture
def seen(small_tissue):
    target = DensityTarget(np.ones(small_tissue.shape, np.float32))
    problem = SurrogateProblem.of(Problem(small_tissue, target, {"surrogate": WaveSurrogate()}))
    return replace(problem, model=growth_model("fisher_kolmogorov", foci=2))


def test_foci_are_joined_and_counted(seen):
    one = replace(seen, model=seen.model.with_one_focus())
    alone = [one.density(np.concatenate([VALUES[places], VALUES[6:]])) for places in seen.model.origins]
    np.testing.assert_allclose(seen.density(VALUES), 1 - (1 - alone[0]) * (1 - alone[1]), atol=1e-6)
    assert seen.runs is one.runs
    assert seen.runs.number == 3


def test_the_jacobian_of_a_network_without_tangents_is_by_differences(seen):
    density, jacobian = seen.density_and_jacobian(VALUES)
    np.testing.assert_allclose(density, seen.density(VALUES), atol=1e-6)
    for k in range(VALUES.size):
        step = 0.02 * np.eye(VALUES.size)[k]
        exact = (seen.density(VALUES + step) - seen.density(VALUES - step)) / 0.04
        assert np.linalg.norm(jacobian[k] - exact) < 0.05 * np.linalg.norm(exact)


def test_its_error_is_taken_off(seen):
    there, near = VALUES, VALUES + 0.1
    true = np.clip(seen.density(there) * 0.8, 0, 1)
    known = seen.without(true, there)
    np.testing.assert_allclose(known.density(there), true, atol=1e-6)
    np.testing.assert_allclose(known.without(true, there).density(there), true, atol=1e-6)
    assert np.abs(known.density(near) - true).max() > 1e-3
    assert np.abs(seen.density(there) - true).max() > 0.1
