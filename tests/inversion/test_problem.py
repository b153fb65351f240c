"""What a problem allows its methods to try."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit import Problem, SegmentationTarget, Theta, growth_model, invert, simulate
from gliofit.growth.models.fisher_kolmogorov import FisherKolmogorov
from gliofit.inversion.methods.gauss_newton import CLEAN
from gliofit.inversion.problem import COARSELY
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


def test_a_grid_that_a_search_passes_through_has_longer_steps(small_tissue):
    """They cost the density far less than the grid does, and the problem's own runs nothing."""
    target = DensityTarget(simulate(small_tissue, Theta((10, -6, 8), 6.0, 3.0)))
    for name in ("fisher_kolmogorov", "fisher_kolmogorov_ratio", "necrosis"):
        model = growth_model(name)
        problem = Problem(small_tissue, target, model=model)
        values = model.from_theta(np.array([10, -6, 8, 6.0, 3.0]))
        passed = problem.coarser(8.0)
        np.testing.assert_allclose(passed.centre, problem.centre)
        exact, rough = problem.resampled(8.0).density(values), passed.density(values)
        if not model.refinable:
            np.testing.assert_array_equal(rough, exact)
            continue
        assert 0 < np.abs(rough - exact).max() < 0.03
        assert abs(rough.sum() / exact.sum() - 1) < 0.01
        c, jacobian = passed.density_and_jacobian(values)
        np.testing.assert_allclose(c, rough, atol=1e-6)
        step = np.array([0, 0, 0, 0.02, 0, *np.zeros(model.size - 5)])
        there = passed.density(values + step) - passed.density(values - step)
        np.testing.assert_allclose(jacobian[3], there / 0.04, atol=2e-2 * np.abs(jacobian[3]).max())


def test_searches_for_imaging_alone_have_longer_steps(small_tissue):
    c = simulate(small_tissue, Theta((10, -6, 8), 6.0, 3.0))
    density, outlines = DensityTarget(c), SegmentationTarget(np.float32(c > 0.6), np.float32(c > 0.2))
    half = np.float32(np.arange(c.shape[0]) < round(np.argwhere(c > 0.6)[:, 0].mean()))[:, None, None]
    unlike = SegmentationTarget(outlines.core * half, outlines.whole)  # what no tumour explains
    assert Problem(small_tissue, density).with_long_steps().refine == 1.0
    assert Problem(small_tissue, outlines).with_long_steps().refine == COARSELY
    for target, clean in ((density, True), (outlines, True), (unlike, False)):
        fit = invert(target, small_tissue, "gauss_newton", uncertainty=False)
        assert (fit.loss < CLEAN) == clean
        # what is told of it is by short steps
        plain = simulate(small_tissue, fit.theta)
        np.testing.assert_allclose(fit.density, plain, atol=1e-6)
        assert fit.loss == pytest.approx(target.loss(plain, np.array(list(fit.extras.values()))), rel=1e-4)


def test_a_model_that_grows_its_own_way_is_not_asked_for_other_steps(small_tissue):
    """Whether a model has them is read off its `simulate`, not inherited."""

    class Plain(FisherKolmogorov):
        def simulate(self, tissue, values, *, jacobian=False, threads=None):
            return super().simulate(tissue, values, jacobian=jacobian, threads=threads)

    target = DensityTarget(simulate(small_tissue, Theta((10, -6, 8), 6.0, 3.0)))
    problem = Problem(small_tissue, target, model=Plain())
    values = np.array([10, -6, 8, 6.0, 3.0])
    np.testing.assert_array_equal(problem.coarser(8.0).density(values), problem.resampled(8.0).density(values))
