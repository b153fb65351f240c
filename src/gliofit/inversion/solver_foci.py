"""Searches on the solver that end with a scan of the extras, and the search for one focus more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import Minimum, minimise
from gliofit.inversion.search.rescan import RESCANS, worth_going_on

COMPARED = 6
"""Most Jacobians per start while those that come from coarser grids are compared: enough to tell which goes on."""

ENOUGH, FOLLOWED = 1e-3, 2
"""Tolerance with which numbers of foci are compared; starts of each that are followed at most."""


def settled(problem: Problem, start: Array, **settings: Any) -> Minimum:
    """
    `minimise`, and again with the extras that a scan finds for where it ended, as long as that lowers the loss.

    Where a density crosses no threshold, the loss has no slope by it, and a search ends; a scan sees further.
    """
    end = minimise(problem, start, **settings)
    for _ in range(RESCANS):
        values, extras = problem.split(end.parameters)
        if not extras.size:
            break
        c = problem.density(end.parameters)
        found = problem.target.best_extras(c)
        if not worth_going_on(end.loss, problem.target.loss(c, found)):
            break
        again = minimise(problem, np.concatenate([values, found]), **settings)
        if again.loss >= end.loss:
            break
        end = replace(again, history=[*end.history, *again.history])
    return end


class OneMore:
    """
    The search with one focus more (`foci.Search`): from the most promising of several starts, told after a few steps.

    What a few steps tell may be wrong: an end that is no better than with one focus less is not taken before the next
    start was followed, too.

    Parameters
    ----------
    iterations : int
        Most Jacobians of a search.
    tolerance : float
        Of the search that is followed.
    """

    def __init__(self, iterations: int, tolerance: float = ENOUGH):
        self.iterations, self.tolerance = iterations, tolerance

    def __call__(self, problem: Problem, rough: Problem, starts: list[Array], before: float) -> Minimum:
        ends = sorted((minimise(rough, p, iterations=COMPARED, tolerance=1e-2) for p in starts), key=lambda m: m.loss)
        best: Minimum | None = None
        for promising in ends[:FOLLOWED]:
            end = settled(problem, promising.parameters, iterations=self.iterations, tolerance=self.tolerance)
            best = end if best is None or end.loss < best.loss else best
            if best.loss < before:
                break
        assert best is not None
        return best


def seen_by(problem: Problem, end: Minimum) -> Minimum:
    """Where a search for another observation ended, with the loss and the extras that it has by the problem's."""
    c = problem.density(end.parameters)
    extras = problem.target.best_extras(c)
    parameters = np.concatenate([problem.split(end.parameters)[0], extras])
    return replace(end, parameters=parameters, loss=problem.target.loss(c, extras))
