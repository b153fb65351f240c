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


def variance_of_mean(state: State) -> float:
    """
    Of the mean of a run's points, for a quantity whose variance is 1, as the stages' correlations have it.

    Weights that are uneven make the mean of a stage uncertain; its moves leave their correlation of that, and make up
    the rest with new points; populations that are kept share what the moves between them left. The largest correlation
    of all axes stands for each of them. Families alone do not know what all points of a stage have in common.
    """
    number = state.parents[-1].size
    begun = len(state.parents)
    variance, before = 0.0, state.parents[0].size
    for stage, parents in zip(state.stages[1 : begun + 1], state.parents, strict=True):
        inherited = variance + stage["variation"] ** 2 / before
        variance = _mixed(inherited, stage["correlation"], parents.size)
        before = parents.size
    rest, kept = state.stages[begun + 1 :], len(state.points) // number
    for stage in rest[: len(rest) - (kept - 1)]:
        variance = _mixed(variance, stage["correlation"], number)
    covariance, shared = variance, variance
    for stage in rest[len(rest) - (kept - 1) :]:
        shared = shared * stage["correlation"]
        variance = _mixed(variance, stage["correlation"], number)
        covariance += variance + 2 * shared
        shared += variance
    return covariance / kept**2


def _mixed(variance: float, correlation: float, number: int) -> float:
    return correlation**2 * variance + (1 - correlation**2) / number
