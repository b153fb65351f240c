"""
The evidence of a posterior, from its points and their normal approximation.

The sum over the stages of a sampler needs each stage's population to be that of its power. Where the likelihood passes
from one explanation of the scan to another within a stage or two, as from "no tumour here, and bad labels" to the
tumour, no population follows quickly enough; the posterior recovers, and the sum does not. A bridge from the posterior
to a normal distribution (Meng & Wong 1996, Stat. Sin. 6) needs the posterior alone.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit, logsumexp

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.ancestors import error_of_mean
from gliofit.inversion.posterior.points import Density
from gliofit.inversion.posterior.proposals import Moments, draw, log_density

POINTS_OF_THE_CUBE = 100_000
"""From which the prior's share of the unit cube is told, to a percent or two."""


def bridged(
    density: Density, unit: Array, log_likelihood: Array, family: Array, number: int, rng: np.random.Generator
) -> tuple[float, float, int]:
    """
    Logarithm of the evidence.

    Parameters
    ----------
    density : Density
    unit : ndarray [M, d]
        Points of the posterior.
    log_likelihood : ndarray [M]
    family : int ndarray [M]
        Points of one are not independent.
    number : int
        Draws from the normal distribution.
    rng : Generator

    Returns
    -------
    log_evidence, error : float
    runs : int
        Likelihoods that it took.
    """
    centre, root = Moments.of(unit).roomy()
    drawn, there = draw(np.tile(centre, (number, 1)), np.tile(root, (number, 1, 1)), rng)
    legal = density.supported(drawn)
    of_drawn = np.full(number, -np.inf)
    if legal.any():
        of_drawn[legal] = density.evaluate(drawn[legal]).log_likelihood
    here = log_density(unit, np.tile(centre, (len(unit), 1)), np.tile(root, (len(unit), 1, 1)))
    share = float(np.mean(density.supported(rng.random((POINTS_OF_THE_CUBE, density.size)))))
    share = max(share, 1 / POINTS_OF_THE_CUBE)
    known, new = log_likelihood - np.log(share) - here, of_drawn - np.log(share) - there
    odds = np.log(len(unit) / number)

    def parts(evidence: float) -> tuple[Array, Array]:
        """Of each posterior point and each draw: how probable the other distribution is there."""
        return log_expit(-(known - evidence + odds)), log_expit(new - evidence + odds)

    evidence = float(np.median(known))
    for _ in range(1000):
        other, own = parts(evidence)
        # E_q[p/(p + q)] = E_p[q/(p + q)] holds for the right evidence, in p and in q
        step = float(logsumexp(own) - np.log(number) - odds - logsumexp(other) + np.log(len(unit)))
        evidence += step
        if abs(step) < 1e-8:
            break
    other, own = (np.exp(a) for a in parts(evidence))
    variance = (error_of_mean(other, family) / other.mean()) ** 2 + (own.std() / own.mean()) ** 2 / number
    variance += (1 - share) / share / POINTS_OF_THE_CUBE
    return evidence, float(np.sqrt(variance)), int(legal.sum())
