"""What a problem allows its methods to try."""

from __future__ import annotations

import numpy as np

from gliofit import Problem, Theta, simulate
from gliofit.observation.density import DensityTarget


def test_bounds_of_the_origin_stay_on_the_grid(small_tissue):
    """A tumour at the brain's edge: 40 mm on would be outside the grid, where the solver refuses origins."""
    target = simulate(small_tissue, Theta((30, 0, 0), 6.0, 3.0))
    problem = Problem(small_tissue, DensityTarget(target))
    edge = small_tissue.to_world(np.array(small_tissue.shape) - 1)
    assert problem.centre[0] + 40 > edge[0]
    for corner in (problem.box.lower, problem.box.upper):
        assert np.isfinite(problem.loss(np.array([*corner[:3], 6.0, 3.0])))
    np.testing.assert_allclose(problem.box.upper[0], edge[0])
    np.testing.assert_allclose(problem.box.lower[1], max(problem.centre[1] - 40, -edge[1]))
