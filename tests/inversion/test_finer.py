"""Densities with what a finer grid adds to them."""

from dataclasses import replace

import numpy as np
import pytest

from gliofit import Problem, SegmentationTarget, Theta, invert, simulate
from gliofit.base import grids
from gliofit.growth import growth_model
from gliofit.inversion.finer import Correction, corrected_on, on_finer_grid
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.problem import COARSELY
from gliofit.observation.density import DensityTarget

AT = np.array([6.0, 21.0, 4.0, 5.0, 3.0])
MODEL = growth_model()


@pytest.fixture(scope="module")
def known(small_tissue):
    return corrected_on(MODEL, small_tissue, AT)


def finer(tissue, theta):
    """The density by a run on half the spacing, on the tissue's grid."""
    return on_finer_grid(MODEL, tissue, theta)[0]


def test_a_corrected_run_is_that_of_the_finer_grid_where_the_difference_was_told(small_tissue, known):
    plain, better = MODEL.grow(small_tissue, AT), finer(small_tissue, AT)
    assert np.abs(plain - better).max() > 0.1
    np.testing.assert_allclose(known.density(AT, plain), better, atol=2e-3)


def test_near_there_most_of_the_difference_is_gone(small_tissue, known):
    beside = AT + np.array([0.5, -0.5, 0.5, 0.1, 0.05])
    plain, better = MODEL.grow(small_tissue, beside), finer(small_tissue, beside)
    errors = [np.sqrt(np.mean((c - better) ** 2)) for c in (plain, known.density(beside, plain))]
    assert errors[1] < errors[0] / 4


def test_the_jacobian_is_that_of_the_corrected_density(small_tissue, known):
    c, jacobian = MODEL.grow(small_tissue, AT, jacobian=True)
    corrected, slopes = known.with_jacobian(AT, c, jacobian)
    np.testing.assert_array_equal(corrected, known.density(AT, c))
    for i, step in enumerate((0.1, 0.1, 0.1, 0.02, 0.01)):
        more, less = (
            known.density(p, MODEL.grow(small_tissue, p)) for p in (AT + s * step * np.eye(5)[i] for s in (1, -1))
        )
        np.testing.assert_allclose(slopes[i], (more - less) / (2 * step), atol=0.02 * np.abs(slopes[i]).max())


def test_longer_time_steps_are_made_up_for_as_well(small_tissue):
    known = corrected_on(MODEL, small_tissue, AT, refine=COARSELY)
    for values, part in ((AT, 0.01), (AT + np.array([0.5, -0.5, 0.5, 0.1, 0.05]), 1 / 4)):
        quick, better = MODEL.grow(small_tissue, values, refine=COARSELY), finer(small_tissue, values)
        errors = [np.sqrt(np.mean((c - better) ** 2)) for c in (quick, known.density(values, quick))]
        assert errors[1] < part * errors[0]


def test_a_density_s_posterior_keeps_its_short_steps(small_tissue):
    """Labels and an uptake have errors that are larger by far than what long steps change; a density has not."""
    c = MODEL.grow(small_tissue, AT)
    outlines = SegmentationTarget(np.float32(c > 0.6), np.float32(c > 0.2))
    for target, refine in ((DensityTarget(c), 1.0), (outlines, COARSELY)):
        posterior = Posterior(Problem(small_tissue, target))
        start = posterior.near(np.array([*AT, 0.6, 0.2])[: 5 + len(target.unknowns)])
        assert posterior.problem.refine == 1.0
        assert posterior.finer(start).problem.refine == refine


def test_the_run_s_own_arrays_are_left_alone(small_tissue, known):
    c, jacobian = MODEL.grow(small_tissue, AT, jacobian=True)
    before = c.copy(), jacobian.copy()
    known.density(AT, c), known.with_jacobian(AT, c, jacobian)
    np.testing.assert_array_equal(c, before[0])
    np.testing.assert_array_equal(jacobian, before[1])


def test_a_window_s_correction_leaves_the_rest_of_the_grid_alone(small_tissue):
    corner, shape = (2, 3, 1), (18, 18, 20)
    window = corrected_on(MODEL, small_tissue.crop(np.array(corner), shape), AT, corner)
    inside = tuple(slice(a, a + n) for a, n in zip(corner, shape, strict=True))
    c = MODEL.grow(small_tissue, AT)
    found = window.density(AT, c)
    outside = np.ones(c.shape, bool)
    outside[inside] = False
    np.testing.assert_array_equal(found[outside], c[outside])
    np.testing.assert_array_equal(window.cut(corner, shape).density(AT, c[inside]), found[inside])
    begin, size = (5, 1, 4), (10, 12, 30)
    part = tuple(slice(a, a + n) for a, n in zip(begin, size, strict=True))
    np.testing.assert_array_equal(window.cut(begin, c[part].shape).density(AT, c[part]), found[part])


def test_far_away_a_correction_stays_within_its_limit(small_tissue, known):
    far = AT + np.array([30.0, 0, 0, 10.0, 2.0])
    c = np.full(small_tissue.shape, 0.5, np.float32)
    found = known.density(far, c)
    assert np.isfinite(found).all()
    assert found.min() >= 3e-4
    assert found.max() <= 1 - 3e-4


def test_equal_runs_need_no_correction(small_tissue):
    pair = MODEL.grow(small_tissue, AT, jacobian=True)
    none = Correction.between(AT, pair, pair)
    np.testing.assert_allclose(none.density(AT + 1, pair[0]), pair[0], atol=1e-6)


def test_a_problem_s_densities_are_corrected_and_its_posterior_s_alike(small_tissue, known):
    problem = Problem(small_tissue, DensityTarget(finer(small_tissue, AT)))
    corrected = replace(problem, correction=known)
    plain, better = (p.density(AT) for p in (problem, corrected))
    np.testing.assert_array_equal(better, known.density(AT, plain))
    np.testing.assert_array_equal(corrected.density_and_jacobian(AT)[0], better)
    assert corrected.loss(AT) < problem.loss(AT) / 100
    density = Posterior(corrected)
    (box,) = density.forward.densities(AT[None], lambda _, c: c)
    window = tuple(slice(a, a + n) for a, n in zip(density.forward.offset, box.shape, strict=True))
    np.testing.assert_allclose(box, better[window], atol=0.02)  # a box's faces are closed
    assert corrected.resampled(8.0).correction is None


def test_a_posterior_on_a_coarse_grid_finds_a_truth_of_a_finer_one(small_tissue):
    shape, affine = grids.aligned_grid(small_tissue.affine, small_tissue.brain, 2.0)
    truth = Theta((6.0, 21.0, 4.0), 5.0, 3.0)
    fine = simulate(small_tissue.resample_to(shape, affine), truth, threads=1)
    seen = grids.resample(fine, affine, small_tissue.shape, small_tissue.affine)
    noisy = (seen + 0.02 * np.random.default_rng(1).normal(size=seen.shape)).clip(0, 1).astype(np.float32)
    few = {"samples": 48, "moves": 4, "predictive": 8, "coarse_mm": 0.0, "stride_mm": 8.0, "seed": 1}
    off = []
    for rounds in (0, 2):
        fit = invert(DensityTarget(noisy), small_tissue, "tmcmc", finer=rounds, **few)
        off.append(abs(np.log([fit.theta.mu_D / truth.mu_D, fit.theta.mu_rho / truth.mu_rho])).max())
        error = np.sqrt(np.mean((fit.density - seen) ** 2))
    assert off[1] < off[0] / 3
    assert error < 0.01
