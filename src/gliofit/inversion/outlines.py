"""
Densities that segmentations could have come from.

Networks are trained on densities, and a density's squared error leads a gradient from further away than thresholds
do: both need a guess at what lies behind the outlines of a tumour.
"""

from __future__ import annotations

from dataclasses import replace

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.problem import Problem
from gliofit.observation.density import DensityTarget


def as_density(problem: Problem, extras: Array | None = None) -> Problem:
    """
    The same problem with a density as its target.

    That is the density observed, or one that the outlines could have come from; of several observations, the first
    that has either.

    Parameters
    ----------
    problem : Problem
    extras : ndarray (k,), optional
        Thresholds at the outlines; their starts if not given.

    Raises
    ------
    InputError
        If there is neither.
    """
    if problem.target.parts == (problem.target,) and problem.target.complete:
        return problem
    density = problem.target.suggested_density(problem.tissue, extras)
    if density is None:
        raise InputError("the networks' methods need a density or a segmentation among the observations")
    return replace(problem, target=DensityTarget(density))
