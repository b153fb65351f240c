"""
Densities that segmentations could have come from.

Networks are trained on densities, and a density's squared error leads a gradient from further away than thresholds
do: both need a guess at what lies behind the outlines of a tumour.
"""

from __future__ import annotations

from dataclasses import replace

from gliofit.base.errors import InputError
from gliofit.inversion.problem import Problem
from gliofit.observation.density import DensityTarget
from gliofit.observation.outlines import density_from_segmentation
from gliofit.observation.segmentation import SegmentationTarget


def as_density(problem: Problem) -> Problem:
    """
    The same problem with a density as its target.

    That is the density observed, or `density_from_segmentation` of the outlines; of several observations, the first
    that is either.

    Raises
    ------
    InputError
        If there is neither.
    """
    for part in getattr(problem.target, "parts", (problem.target,)):
        if part is problem.target and isinstance(part, DensityTarget):
            return problem
        if isinstance(part, SegmentationTarget):
            part = DensityTarget(density_from_segmentation(part.core, part.whole, problem.tissue))
        if isinstance(part, DensityTarget):
            return replace(problem, target=part)
    raise InputError("the networks' methods need a density or a segmentation among the observations")
