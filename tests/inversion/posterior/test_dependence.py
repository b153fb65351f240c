"""Errors of neighbouring voxels that go together: their length, scores, and what labels are worth then."""

import numpy as np
import pytest
from analytic_tumour import Wave, wave_posterior
from scipy import ndimage

from gliofit import Problem, Theta, simulate
from gliofit.growth import growth_model
from gliofit.inversion.posterior import dependence
from gliofit.inversion.posterior.dependence import correlation_length, score_covariance
from gliofit.inversion.posterior.label_power import worth_of_labels
from gliofit.inversion.posterior.laplace import ORIGIN_OFF, OTHERS_OFF, covariance, model_error, radius_of
from gliofit.inversion.posterior.likelihood import Likelihood
from gliofit.inversion.posterior.start import climbed
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.segmentation import SegmentationTarget

SPACING = np.array([2.0, 2.0, 2.0])


def noise(shape, length, seed):
    """White noise, smoothed to the correlation exp(−r²/(4 s²)), s = `length` voxels."""
    white = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(white, length, mode="wrap") if length else white


def test_a_length_is_that_of_the_noise():
    found = [correlation_length(noise((1, 40, 40, 40), [0, s, s, s], 1), SPACING, 30.0) for s in (1, 2, 3)]
    assert correlation_length(noise((1, 40, 40, 40), 0, 1), SPACING, 30.0) == 0
    assert found[0] < found[1] < found[2]
    np.testing.assert_allclose(np.diff(found), found[0], rtol=0.4)


def test_a_covariance_is_that_of_sums_over_many_draws():
    """Of scores whose noise goes together; of independent ones it would be a tenth."""
    slopes = np.stack([np.ones((12, 12, 12)), np.indices((12, 12, 12))[0] - 5.5])
    draws = [noise((12, 12, 12), 1, seed) for seed in range(400)]
    scale = np.std(draws)
    sums = [(slopes * e).sum((1, 2, 3)) / scale for e in draws]
    length = correlation_length(np.stack(draws[:20]), SPACING, 30.0)
    estimates = [score_covariance(slopes * e / scale, SPACING, length) for e in draws[:60]]
    np.testing.assert_allclose(np.diag(np.mean(estimates, 0)), np.var(sums, 0), rtol=0.4)
    alone = score_covariance(slopes * draws[0], SPACING, 0.0)
    np.testing.assert_allclose(alone[0, 0], (draws[0] ** 2).sum())


def test_blocks_of_voxels_are_summed_up_first(monkeypatch):
    """As if every pair of voxels had been counted, on a box that no block divides evenly."""
    slopes = np.stack([np.ones((25, 23, 27)), np.indices((25, 23, 27))[2] - 13.0])
    errors = noise((25, 23, 27), 2, 4)
    found = score_covariance(slopes * errors, SPACING, 8.0)
    monkeypatch.setattr(dependence, "BLOCKS", 1e9)
    np.testing.assert_allclose(
        found, score_covariance(slopes * errors, SPACING, 8.0), rtol=0.03, atol=0.01 * found[1, 1]
    )


@pytest.mark.parametrize(("patches", "least", "most"), [(False, 0.7, 1.0), (True, 0.02, 0.6)])
def test_labels_that_err_in_patches_are_worth_less(small_tissue, patches, least, most):
    tissue, truth = small_tissue.working_grid(6.0), np.array([6.0, 20.0, 4.0, 7.0, 2.4])
    posterior = wave_posterior(tissue, truth, 0.05)
    c, rng = Wave(posterior.problem).density(truth), np.random.default_rng(3)
    labels = []
    for threshold in (0.68, 0.21):
        away = (c - threshold) / 0.15
        alpha = 0.5 + 0.5 * np.sign(away) * -np.expm1(-(away**2))
        drawn = rng.random(c.shape)
        if patches:
            smooth = ndimage.gaussian_filter(rng.normal(size=c.shape), 2)
            drawn = smooth.ravel().argsort().argsort().reshape(c.shape) / c.size
        labels.append((drawn < alpha).astype(np.float32) * tissue.mask)
    target = SegmentationTarget(*labels)
    posterior.problem.target = JointTarget((target, *posterior.problem.target.parts[1:]), (1.0, 1.0))
    posterior.likelihood = Likelihood(tissue, posterior.problem.target, posterior._centre, posterior.radius)
    mode = climbed(posterior, posterior.near(np.array([*truth, 0.68, 0.21, 0.9, 0.1])))
    worth = worth_of_labels(posterior, mode)
    assert least < worth.power <= most
    assert (worth.length_mm > 3) == patches


def test_a_fit_to_outlines_has_the_error_of_the_model(small_tissue):
    """Beside that of noise, in every direction; a fit to a density has none."""
    c = simulate(small_tissue, Theta((6.0, 21.0, 4.0), 7.0, 2.4))
    outlines = SegmentationTarget((c > 0.68).astype(np.float32), (c > 0.21).astype(np.float32))
    parameters = np.array([6.0, 21.0, 4.0, 7.0, 2.4, 0.68, 0.21])
    problem = Problem(small_tissue, outlines)
    radius = radius_of(problem)
    found, deviation = covariance(problem, parameters)
    least = np.array([*[ORIGIN_OFF * radius] * 3, *np.sqrt(np.diag(OTHERS_OFF)) * [7.0, 2.4, 1, 1]])
    assert np.all(np.sqrt(np.diag(found)) >= least)
    assert np.linalg.eigvalsh(found).min() > 0
    assert 0.1 < deviation.max() <= 0.5
    assert not model_error(Problem(small_tissue, DensityTarget(c)), parameters[:5], radius).any()
    pushing = Problem(small_tissue, outlines, model=growth_model("mass_effect"))
    with_gamma = model_error(pushing, np.insert(parameters, 5, 12.0), radius)
    np.testing.assert_array_equal(
        np.delete(np.delete(with_gamma, 5, 0), 5, 1), model_error(problem, parameters, radius)
    )
    assert np.sqrt(with_gamma[5, 5]) == 10  # kPa
