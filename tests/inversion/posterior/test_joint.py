"""Outlines and a PET together, eleven unknowns, on an analytic tumour that costs no solver."""

import numpy as np
import pytest
from analytic_tumour import wave_posterior
from samplers import agreeing

from gliofit.inversion.posterior.proposals import Newton, Walk
from gliofit.inversion.posterior.start import BegunNear, climbed
from gliofit.inversion.posterior.tmcmc import Settings, sample

TRUTH = np.array([6.0, 20.0, 4.0, 7.0, 2.4])
MOST = 10
"""Steps of a stage: enough for the test."""


@pytest.fixture(scope="module")
def posterior(small_tissue):
    return wave_posterior(small_tissue.working_grid(8.0), TRUTH, 0.05)


def test_the_samplers_agree(posterior):
    """
    Means, standard deviations and evidence, from the prior and from the mode on; the latter in a fifth of the runs.

    One step a stage, as published, is another place.
    """
    walk = sample(posterior, Walk(0.04, 0.8, 0.6), Settings(96, moves=MOST, first=8, final=1, seed=1))
    mode = climbed(posterior, posterior.near(np.array([*TRUTH[:3] + 4, 9.0, 2.0, 0.6, 0.3, 1.0, 0.2])))
    assert np.all(mode.log_likelihood > walk.log_likelihood.max() - 2)
    manifold = sample(BegunNear(posterior, mode), Newton(0.6), Settings(64, moves=MOST, first=2, final=2, seed=2))
    assert manifold.runs < walk.runs / 3
    one, _ = agreeing(posterior, walk, manifold, sigmas=0.6, evidence=1)
    assert abs(manifold.evidence_by_stages[0] - manifold.log_evidence) < 2
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
