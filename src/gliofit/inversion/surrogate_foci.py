"""
Outlines, and several foci, on the surrogate: the search runs on the network alone, the solver at its end.

The surrogate tells how many foci there are: its error is nearly the same with one focus more, and cancels in the
criterion. So the solver runs at most once more often than there are foci, and each of these runs does two things: it is
a result, and it tells the surrogate's error, which is taken off before the next descent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.crops import Crop, SurrogateLoss, network
from gliofit.inversion.fit import Fit
from gliofit.inversion.foci import add_foci, matched
from gliofit.inversion.legal import clock, legal, require_positive
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.lbfgs import Descent
from gliofit.inversion.search.levenberg_marquardt import Minimum
from gliofit.inversion.search.rescan import worth_going_on
from gliofit.inversion.search.surrogate import descend, lowest, settled

FRONT_WIDTHS = (1.5, 3.0, 6.0)
"""mm; of the starts at the centre of mass."""

CLOSELY = 5.0
"""By which the relative tolerance is divided once the surrogate's error is off, and no longer followed."""

SHORTLY, FOLLOWED = 4, 2
"""L-BFGS iterations by which starts with one focus more are compared, and how many of them, the best, at most."""


def sought(problem: Problem) -> bool:
    """Whether a fit is for `fit_foci`: of what shows a part of the density, or with another number of foci than one."""
    return not problem.target.complete or problem.model.foci_range != (1, 1)


class _Seen:
    """
    The surrogate's losses of one problem, by number of foci.

    Attributes
    ----------
    problem : Problem
        With one focus, on the network's crop alone.
    crop : Crop
        Of the whole problem.
    """

    def __init__(self, problem: Problem):
        one = replace(problem, model=problem.model.with_one_focus())
        self.crop = Crop(one, network(problem, "surrogate"))
        networks = {**problem.networks, "surrogate": network(problem, "surrogate")}
        tissue, target = self.crop.tissue, self.crop.target
        self.problem = replace(one, tissue=tissue, target=target, around=one.centre, networks=networks)
        self._losses: dict[int, SurrogateLoss] = {}

    def loss(self, problem: Problem) -> SurrogateLoss:
        """Of `problem` or the same with another number of foci."""
        if problem.model.size not in self._losses:
            self._losses[problem.model.size] = SurrogateLoss(problem)
        return self._losses[problem.model.size]

    def density(self, problem: Problem, parameters: Array) -> Array:
        """On the crop; of `parameters` with their origins in tissue."""
        return self.loss(problem).density(legal(problem, parameters))

    @property
    def evaluations(self) -> int:
        return sum(loss.evaluations for loss in self._losses.values())


def fit_foci(
    problem: Problem,
    guesses: list[Array],
    started: float,
    *,
    fix_origin: bool = False,
    iterations: int,
    tolerance: float,
    relative_tolerance: float,
    starts: int,
    corrections: int = 1,
) -> Fit:
    """
    Fit on the surrogate with as many foci as they are worth (`foci.add_foci`), and end on the solver.

    Parameters
    ----------
    problem : Problem
        With a network "surrogate".
    guesses : list of ndarray [n + k]
        [values of one focus, extras] to begin from, beside fronts of different width at the centre of mass.
    started : float
        `clock()`.
    iterations, tolerance, relative_tolerance, starts
        As for `descend`.
    corrections : int
        Most descents with the surrogate's error taken off; as many as there are foci, if that is more, unless it is 0.

    Returns
    -------
    Fit
        `foci`: loss and Dice by the surrogate, those of the number that is kept by the solver.
    """
    require_positive(iterations=iterations, tolerance=tolerance, relative_tolerance=relative_tolerance, starts=starts)
    settings: dict[str, Any] = {"iterations": int(iterations), "tolerance": tolerance}
    settings |= {"relative_tolerance": relative_tolerance}
    seen = _Seen(problem)
    begun = _one_focus(seen, guesses)
    parameters, descent, spent = descend(seen.problem, begun[0], fix_origin=False, starts=starts, **settings)
    if begun[1] < descent.loss:
        parameters, descent = settled(seen.problem, seen.loss(seen.problem), begun[0], False, settings)

    blurred = seen
    if problem.model.foci_range != (1, 1):
        problem = replace(problem, target=problem.target.sharpened())
        seen = _Seen(problem)
        parameters, descent = settled(seen.problem, seen.loss(seen.problem), parameters, False, settings)

    def search(more: Problem, rough: Problem, places: list[Array], before: float) -> Minimum:
        return _with_one_more(seen.loss(more), more, blurred.loss(rough), rough, places, before, settings)

    found = add_foci(
        seen.problem, _minimum(parameters, descent), search, seen.density, problem.model.foci_range, blurred.problem
    )
    number = len(found.problem.model.origins)
    turns = max(number, corrections) if corrections else 0
    of_solver = replace(problem, model=found.problem.model)
    fit = _on_solver(of_solver, found.problem, seen, found.end, started, settings, turns)
    record = found.record()
    record["dice"][number - 1] = fit.explained(problem.target)
    fit.foci = record if problem.model.foci_range != (1, 1) else None
    fit.evaluations = spent + blurred.evaluations + (seen.evaluations if seen is not blurred else 0)
    fit.seconds = clock() - started
    return fit


def _minimum(parameters: Array, descent: Descent) -> Minimum:
    return Minimum(parameters, descent.loss, descent.history, descent.converged, descent.reason)


def _one_focus(seen: _Seen, guesses: list[Array]) -> tuple[Array, float]:
    """The start that explains most, with the extras that suit it, and its loss: a guess, or a front at the centre."""
    problem, model = seen.problem, seen.problem.model
    visible = float(problem.target.visible.sum(dtype=np.float64)) * float(np.prod(problem.tissue.spacing))
    radius = (3 * visible / (4 * np.pi) / problem.target.layers) ** (1 / 3)
    at_centre = model.on_tissue(problem.tissue, model.begin(problem.centre))
    fronts = [model.with_front(at_centre, 1.5 * radius + 4, width) for width in FRONT_WIDTHS]
    known = [seen.loss(problem).with_best_extras(legal(problem, guess)) for guess in guesses]
    scaled = [matched(problem, values, problem.target.extra_start, seen.density) for values in fronts]
    return min([*known, *((p, loss) for loss, p in scaled)], key=lambda start: start[1])


def _with_one_more(
    loss: SurrogateLoss,
    more: Problem,
    blurred: SurrogateLoss,
    rough: Problem,
    places: list[Array],
    before: float,
    settings: dict[str, Any],
) -> Minimum:
    """
    The end of the descent from the most promising of several starts; of the next, if that is no better.

    Starts begin with outlines that are `blurred` more, which lead from further away.
    """
    short = {**settings, "iterations": SHORTLY}
    tried = [lowest(rough, blurred, legal(rough, p), False, 1, short) for p in places[:FOLLOWED]]
    tried.sort(key=lambda end: end[1].loss)
    best: Minimum | None = None
    for parameters, _ in tried:
        end = _minimum(*settled(more, loss, parameters, False, settings))
        best = end if best is None or end.loss < best.loss else best
        if best.loss < before:
            break
    assert best is not None
    return best


def _on_solver(
    problem: Problem,
    small: Problem,
    seen: _Seen,
    end: Minimum,
    started: float,
    settings: dict[str, Any],
    corrections: int,
) -> Fit:
    """The best of the solver's runs: where the search ended, and after each descent with the error taken off."""
    loss, best, history = seen.loss(small), None, list(end.history)
    parameters, ended = end.parameters, end
    closely = {**settings, "relative_tolerance": settings["relative_tolerance"] / CLOSELY}
    runs: list[float] = []
    for turn in range(corrections + 1):
        parameters = legal(problem, parameters)
        density = problem.density(parameters)
        if problem.target.unknowns:
            parameters = np.concatenate([problem.split(parameters)[0], problem.target.best_extras(density)])
        about: dict[str, Any] = {"history": history, "converged": ended.converged, "reason": ended.reason}
        fit = Fit.of(problem, parameters, started, density=density, evaluations=0, **about)
        runs.append(fit.loss)
        gained = best is None or worth_going_on(best.loss, fit.loss)
        best = fit if best is None or fit.loss < best.loss else best
        if turn == corrections or not gained:
            break
        loss.correct(parameters, seen.crop.cut(density) * seen.crop.tissue.mask)
        parameters, step = lowest(small, loss, parameters, False, 1, closely)
        closely["last"] = step
        history, ended = history + step.history, _minimum(parameters, step)
    assert best is not None
    best.history, best.comparable, best.uncorrected_loss = history, len(end.history), runs[0]
    first, *corrected = runs
    best.details = {"kept": "gb_surrogate" if best.loss == first else "corrected", "loss_gb_surrogate": first}
    if corrected:
        best.details["loss_corrected"] = min(corrected)
    return best
