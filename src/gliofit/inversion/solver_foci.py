"""Searches on the solver that end with a scan of the extras, and the search for one focus more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.foci import independent_patches, worth_it
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import Minimum, minimise
from gliofit.inversion.search.rescan import RESCANS, worth_going_on

COMPARED = 6
"""Most Jacobians per start while those that come from coarser grids are compared: enough to tell which goes on."""

ROUGHLY = 20
"""Most Jacobians on a coarser grid than that of the search."""

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
    The search with one focus more (`foci.Search`): from the most promising of several starts, told on a rough grid.

    Where a further focus is not worth its unknowns on the rough grid, to which flat densities recommend themselves, it
    is not followed on the finer one. What the rough grid tells may be wrong otherwise: an end that is no better than
    with one focus less is not taken before the next start was followed, too.

    Parameters
    ----------
    rough : Problem
        With one focus.
    one : ndarray
        Where the search with one focus ended.
    iterations : int
        Most Jacobians of a search on the finer grid.
    least : int
        So many foci are searched for whatever they are worth.
    """

    def __init__(self, rough: Problem, one: Array, iterations: int, least: int):
        self.iterations, self.least, self.patches = iterations, least, independent_patches(rough)
        self.losses = {rough.model.size: self._roughly(rough, one).loss}

    @staticmethod
    def _roughly(rough: Problem, start: Array) -> Minimum:
        return minimise(rough, start, iterations=ROUGHLY, tolerance=1e-3)

    def __call__(self, problem: Problem, rough: Problem, starts: list[Array], before: float) -> Minimum:
        ends = sorted((minimise(rough, p, iterations=COMPARED, tolerance=1e-2) for p in starts), key=lambda m: m.loss)
        fewer, lowest = max(self.losses), min(self.losses.values())
        best: Minimum | None = None
        for promising in ends[:FOLLOWED]:
            rougher = self._roughly(rough, promising.parameters)
            self.losses[problem.model.size] = min(rougher.loss, self.losses.get(problem.model.size, np.inf))
            if best is None and self._hopeless(problem, lowest, rougher.loss, problem.model.size - fewer):
                return _seen_on(problem, rougher)
            end = settled(problem, rougher.parameters, iterations=self.iterations, tolerance=ENOUGH)
            best = end if best is None or end.loss < best.loss else best
            if best.loss < before:
                break
        assert best is not None
        return best

    def _hopeless(self, problem: Problem, before: float, after: float, unknowns: int) -> bool:
        return len(problem.model.origins) > self.least and not worth_it(before, after, self.patches, unknowns)


def _seen_on(problem: Problem, end: Minimum) -> Minimum:
    """Where a search on another grid ended, with the loss and the extras that it has on the problem's."""
    c = problem.density(end.parameters)
    extras = problem.target.best_extras(c)
    parameters = np.concatenate([problem.split(end.parameters)[0], extras])
    return replace(end, parameters=parameters, loss=problem.target.loss(c, extras))
