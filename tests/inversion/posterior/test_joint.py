"""Outlines and a PET together, eleven unknowns, on an analytic tumour that costs no solver."""

import numpy as np
import pytest
from scipy.special import expit

from gliofit import Problem
from gliofit.inversion.posterior.likelihood import Likelihood
from gliofit.inversion.posterior.proposals import Newton, Walk
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Settings, sample
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

TRUTH = np.array([6.0, 20.0, 4.0, 7.0, 2.4])
MOST = 10
"""Steps of a stage: enough for the test."""


class Wave:
    """c = logistic front at distance 0.9 μ_D μ_ρ of the origin, of width μ_D / μ_ρ; with its derivatives."""

    def __init__(self, problem):
        self.tissue, self.target = problem.tissue, problem.target
        grid = np.moveaxis(np.indices(self.tissue.shape), 0, -1)
        self.points = np.moveaxis(self.tissue.to_world(grid), -1, 0)

    def density(self, values, jacobian=False):
        away = self.points - values[:3, None, None, None]
        r, (mu_D, mu_rho) = np.sqrt((away**2).sum(0) + 1e-6), values[3:]
        c = self.tissue.mask * expit((0.9 * mu_D * mu_rho - r) * mu_rho / mu_D)
        slopes = [*(away / r * mu_rho / mu_D), r * mu_rho / mu_D**2, 1.8 * mu_rho - r / mu_D]
        return (c, c * (1 - c) * np.array(slopes)) if jacobian else c

    def densities(self, values, use):
        return [use(i, self.density(v)) for i, v in enumerate(values)]

    def jacobians(self, values, use):
        return [use(i, *self.density(v, jacobian=True)) for i, v in enumerate(values)]


@pytest.fixture(scope="module")
def posterior(small_tissue):
    tissue = small_tissue.working_grid(8.0)
    wave = Wave(Problem(tissue, np.full(tissue.shape, 0.3, np.float32)))
    c = wave.density(TRUTH)
    noise = 0.05 * np.random.default_rng(0).normal(size=c.shape)
    outlines = SegmentationTarget((c > 0.68).astype(np.float32), (c > 0.21).astype(np.float32))
    pet = PETTarget((0.1 + c / 0.9 + noise).astype(np.float32), (c > 0.1).astype(np.float32))
    problem = Problem(tissue, JointTarget((outlines, pet), (1.0, 1.0)))
    posterior = Posterior(problem)
    posterior.forward = Wave(problem)
    posterior.likelihood = Likelihood(tissue, problem.target, posterior._centre, posterior.radius)
    return posterior


def test_the_samplers_agree(posterior):
    """Means, standard deviations and evidence; one step a stage, as published, is another place."""
    walk = sample(posterior, Walk(0.04, 0.8, 0.6), Settings(96, moves=MOST, first=8, final=1, seed=1))
    manifold = sample(posterior, Newton(0.6), Settings(40, moves=MOST, first=16, final=2, seed=2))
    one, two = (posterior.parameters(found.unit) for found in (walk, manifold))
    deviation = one.std(0)
    assert np.all(np.abs(one.mean(0) - two.mean(0)) < 0.6 * deviation)
    np.testing.assert_allclose(two.std(0), deviation, rtol=0.4)
    error = np.hypot(walk.log_evidence_error, manifold.log_evidence_error)
    assert abs(walk.log_evidence - manifold.log_evidence) < 5 * error + 1
    assert np.linalg.norm(one.mean(0)[:3] - TRUTH[:3]) < 1.5
    published = sample(posterior, Walk(0.04), Settings(96, moves=1, seed=1))
    assert abs(published.evidence_by_stages[0] - walk.log_evidence) > 10 * published.evidence_by_stages[1]


def test_gradients_are_those_of_the_likelihood(posterior):
    unit = posterior.draw(np.random.default_rng(3), 2)
    found = posterior.evaluate(unit, linearised=True)
    for i, at in enumerate(unit):
        ends = at + 1e-5 * np.concatenate([np.eye(11), -np.eye(11)])
        more, less = np.split(posterior.evaluate(ends).log_likelihood, 2)
        slope = (more - less) / 2e-5
        np.testing.assert_allclose(found.gradient[i], slope, rtol=1e-3, atol=1e-3 * np.abs(slope).max())
