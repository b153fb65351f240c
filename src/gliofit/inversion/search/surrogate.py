"""
L-BFGS on the surrogate's loss, from one start or from what outlines suggest, and once more with its error taken off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.threads import torch_threads
from gliofit.inversion.crops import SurrogateLoss
from gliofit.inversion.outlines import as_density
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.lbfgs import Descent, minimise
from gliofit.inversion.search.rescan import RESCANS, worth_going_on

FOLLOWED = 2
"""Densities that outlines suggest, the best first, whose tumours are fitted to the outlines themselves."""

START_SPREAD = 0.1
"""Standard deviation of the further starts of a multi-start search, as a fraction of each parameter's range."""


def descend(
    problem: Problem,
    start: Array,
    *,
    fix_origin: bool,
    iterations: int,
    tolerance: float,
    relative_tolerance: float,
    starts: int,
) -> tuple[Array, Descent, int]:
    """
    Fit by L-BFGS on the surrogate from `start` = [values, extras].

    Outlines pull on a tumour only where their blurred edge already meets it. Segmentations are therefore fitted in two
    steps: first the densities that they suggest at several thresholds, then, from the best, themselves; the lowest end
    counts. Whenever a descent ends, thresholds are scanned for, and it goes on if others are better: where a density
    crosses no threshold the loss has no slope.

    Parameters
    ----------
    problem : Problem
    start : ndarray (n,)
    fix_origin : bool
        Leave the start's origin as it is and search the rest.
    iterations, tolerance, relative_tolerance
        See `lbfgs.minimise`.
    starts : int
        Descents; those after the first start at random distances from `start`. The lowest surrogate loss wins.

    Returns
    -------
    parameters : ndarray (n,)
        The best found.
    descent : Descent
        Of the winning start.
    evaluations : int
        Surrogate runs of all starts and steps.
    """
    settings: dict[str, Any] = {"iterations": int(iterations), "tolerance": tolerance}
    settings |= {"relative_tolerance": relative_tolerance}
    loss = SurrogateLoss(problem)
    if as_density(problem) is problem:
        parameters, descent = lowest(problem, loss, start, fix_origin, int(starts), settings)
        return parameters, descent, loss.evaluations
    (values, _), suggestions, spent = problem.split(start), [], 0
    for extras in (problem.target.extra_start, *problem.target.extra_starts):
        suggested = as_density(problem, extras)
        found, _, runs = descend(suggested, values, fix_origin=fix_origin, starts=starts, **settings)
        suggestions.append(loss.with_best_extras(found))
        spent += runs
    suggestions.sort(key=lambda suggestion: suggestion[1])
    ends = [settled(problem, loss, found, fix_origin, settings) for found, _ in suggestions[:FOLLOWED]]
    parameters, descent = min(ends, key=lambda end: end[1].loss)
    return parameters, descent, spent + loss.evaluations


def settled(
    problem: Problem, loss: SurrogateLoss, start: Array, fix_origin: bool, settings: dict[str, Any]
) -> tuple[Array, Descent]:
    """A descent, and others from the thresholds that a scan finds at its end, as long as that lowers the loss."""
    parameters, descent = lowest(problem, loss, start, fix_origin, 1, settings)
    for _ in range(RESCANS if problem.target.unknowns else 0):
        found, scanned = loss.with_best_extras(parameters)
        if not worth_going_on(descent.loss, scanned):
            break
        parameters, again = lowest(problem, loss, found, fix_origin, 1, settings)
        descent = replace(again, history=[*descent.history, *again.history])
    return parameters, descent


def correct(
    problem: Problem,
    start: Array,
    last: Descent,
    *,
    fix_origin: bool,
    iterations: int,
    tolerance: float,
    relative_tolerance: float,
) -> tuple[Array, Descent, int]:
    """
    `descend` once more from `start`, where the `last` one ended, on the surrogate with its error there taken off.

    Near `start` the surrogate's error hardly changes with θ, so that this fits the numerical solver's density instead
    of the surrogate's. (Defect correction; one run of the solver.)
    """
    settings = {"iterations": int(iterations), "tolerance": tolerance, "relative_tolerance": relative_tolerance}
    loss = SurrogateLoss(problem)
    loss.correct(start)
    parameters, descent = lowest(problem, loss, start, fix_origin, 1, {**settings, "last": last})
    return parameters, descent, loss.evaluations


def lowest(
    problem: Problem,
    loss: SurrogateLoss,
    start: Array,
    fix_origin: bool,
    starts: int,
    settings: dict[str, Any],
) -> tuple[Array, Descent]:
    """The lowest of `starts` descents of a loss."""
    import torch

    first = problem.box.to_unit(start)
    free = np.setdiff1d(np.arange(first.size), problem.model.origins if fix_origin else [])
    rng = np.random.default_rng(problem.seed)
    with torch_threads(problem.threads):
        fixed, places = torch.as_tensor(first), torch.as_tensor(free)

        def function(unit):
            return loss(fixed.index_copy(0, places, unit)[None])[0]

        jitters = [START_SPREAD * rng.standard_normal(free.size) if number else 0.0 for number in range(starts)]
        best = min((minimise(function, first[free] + jitter, **settings) for jitter in jitters), key=lambda d: d.loss)
    parameters = start.copy()
    first[free] = best.unit
    parameters[free] = problem.box.from_unit(first)[free]
    return parameters, best
