"""Which points of a sampler depend on one another, and how far their mean may be off."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.state import State

ANCESTORS = 12
"""As many must be left for an error to be told from how their offspring differ."""

FORGOTTEN = 0.05
"""Points whose correlation with their ancestors is less do not depend on them."""


def families(state: State, number: int) -> Array:
    """
    Which of the last points depend on a common ancestor; from 0 on [B].

    As far back as the points have not forgotten it, and enough ancestors are left.
    """
    family, remembered = np.arange(number), 1.0  # of the last stage, or of the prior
    stages = state.stages[1 : len(state.parents) + 1]  # those at the end that only move have no parents
    for parents, stage in zip(reversed(state.parents), reversed(stages), strict=True):
        older = parents[family]
        remembered *= stage["correlation"]
        if np.unique(older).size < min(ANCESTORS, number):
            break
        family = older
        if remembered < FORGOTTEN:
            break
    return np.unique(family, return_inverse=True)[1]


def error_of_mean(values: Array, family: Array) -> Array:
    """
    Standard error [...] of the mean of values [M, ...], of which those of one family [M] depend on one another.

    From how sums over families scatter (Olsson & Douc 2019, Bernoulli 25).
    """
    away = values - values.mean(0)
    sums = np.zeros((int(family.max()) + 1, *away.shape[1:]))
    np.add.at(sums, family, away)
    return np.sqrt((sums**2).sum(0)) / len(values)
