"""What a fit does not explain, and where it ended because it could go no further: said, not left to be noticed."""

from __future__ import annotations

import math

from gliofit.base.arrays import Array
from gliofit.inversion.problem import Problem

EXPLAINED = 0.5
"""An outline that the density meets to a lower Dice is not explained."""

AT_BOUND = 1e-3
"""Share of a range within which a value counts as at its end."""


def unexplained(problem: Problem, parameters: Array, density: Array) -> list[str]:
    """A sentence for each outline that a density [x, y, z] does not explain."""
    _, extras = problem.split(parameters)
    found = problem.target.explained(density, extras)
    return [
        f"the {name} fills no voxel of the working grid to a half, and how well it is explained is undefined"
        if math.isnan(score)
        else f"explains the {name} to Dice {score:.2f}"
        for name, score in found.items()
        if not score >= EXPLAINED
    ]


def at_bounds(problem: Problem, parameters: Array) -> list[str]:
    """A sentence for each parameter that is at an end of the range it was sought in."""
    box, unit = problem.box, problem.box.to_unit(parameters)
    names = (*problem.model.names, *problem.target.extra_names)
    found = []
    for name, place, low, high, value in zip(names, unit, box.lower, box.upper, parameters, strict=True):
        if not AT_BOUND < place < 1 - AT_BOUND:
            end = "lower" if place < 0.5 else "upper"
            found.append(f"{name} = {value:.3g} is at the {end} end of its range, {low:.3g} … {high:.3g}")
    return found
