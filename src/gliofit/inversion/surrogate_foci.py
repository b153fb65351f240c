"""
Gauss–Newton on the surrogate, for any observation and number of foci: the search runs on the network alone, the solver
at its end.

The surrogate tells how many foci there are: its error is nearly the same with one focus more, and cancels in the
criterion. So the solver runs at most once more often than there are foci, and each of these runs does two things: it is
a result, and it tells the surrogate's error, which is taken off before the next descent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.crops import SurrogateLoss
from gliofit.inversion.fit import Fit
from gliofit.inversion.foci import add_foci, matched
from gliofit.inversion.legal import clock, legal
from gliofit.inversion.outlines import as_density
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import STUCK, Minimum, minimise
from gliofit.inversion.search.rescan import worth_going_on
from gliofit.inversion.search.surrogate import START_SPREAD, lowest
from gliofit.inversion.solver_foci import OneMore, settled
from gliofit.inversion.starts import FRONT_WIDTHS
from gliofit.inversion.surrogate_problem import SurrogateProblem

CLOSELY = 5.0
"""By which the relative tolerance is divided where numbers of foci are compared."""

ROUGHLY = 1e-2
"""Tolerance with which densities that outlines suggest are fitted."""

BEFORE_CORRECTION = 10.0
"""By which the relative tolerance is multiplied where a search with the surrogate's error taken off follows."""

FOLLOWED = 2
"""Suggested densities, those whose tumours explain most, from which the outlines themselves are fitted."""


Search = Literal["auto", "gauss_newton", "lbfgs"]
"""How a density is searched for on a surrogate: "auto" is Gauss–Newton if the surrogate has tangents, else L-BFGS."""


def by_gauss_newton(problem: Problem, search: Search) -> bool:
    """Whether a fit is by `fit_foci`. Without tangents a Jacobian is six runs, and L-BFGS takes a third of the time."""
    has_tangents = hasattr(problem.networks["surrogate"], "with_jacobian")
    return sought(problem) or search == "gauss_newton" or (search == "auto" and has_tangents)


def sought(problem: Problem) -> bool:
    """Whether only `fit_foci` does: of what shows a part of the density, or with another number of foci than one."""
    return not problem.target.complete or problem.model.foci_range != (1, 1)


def fit_foci(
    problem: Problem,
    guesses: list[Array],
    started: float,
    *,
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
        [values of one focus, extras] to begin from, beside fronts of different width at the centre of mass. Of a
        complete density, from the first guess alone.
    started : float
        `clock()`.
    iterations : int
        Most Jacobians of a search.
    tolerance, relative_tolerance : float
        A search ends below the former loss, or when a step promises to lower the loss by less than the latter share.
    starts : int
        Places to begin from; those after the first at random distances from it.
    corrections : int
        Most searches with the surrogate's error taken off; as many as there are foci, if that is more, unless it is 0.

    Returns
    -------
    Fit
        `foci`: loss and Dice by the surrogate, those of the number that is kept by the solver.
    """
    settings: dict[str, Any] = {"iterations": int(iterations), "tolerance": relative_tolerance, "floor": tolerance}
    closely = {**settings, "tolerance": relative_tolerance / CLOSELY}
    seen = SurrogateProblem.of(problem)
    several = problem.model.foci_range != (1, 1)
    nearly = {**settings, "tolerance": BEFORE_CORRECTION * relative_tolerance}
    end = _first(seen, guesses, int(starts), nearly if corrections and problem.target.complete else settings)
    if several:
        problem = replace(problem, target=problem.target.sharpened())
        seen = replace(seen, target=seen.target.voxelwise())
        end = settled(seen, end.parameters, **closely)
    search = OneMore(int(iterations), closely["tolerance"])
    found = add_foci(seen, end, search, _density, problem.model.foci_range, replace(seen, corrected=False))
    number = len(found.problem.model.origins)
    turns = max(number, corrections) if corrections else 0
    assert isinstance(found.problem, SurrogateProblem)
    fit = _on_solver(replace(problem, model=found.problem.model), found.problem, found.end, started, settings, turns)
    record = found.record()
    record["dice"][number - 1] = fit.explained(problem.target)
    fit.foci = record if several else None
    fit.evaluations = seen.runs.number
    fit.seconds = clock() - started
    return fit


def _density(problem: Problem, parameters: Array) -> Array:
    """For `add_foci`."""
    return problem.density(parameters)


def _first(seen: SurrogateProblem, guesses: list[Array], starts: int, settings: dict[str, Any]) -> Minimum:
    """
    Where the search with one focus begins: the lowest end from densities that the outlines suggest.

    Outlines pull on a tumour only where their blurred edge already meets it; a density leads from further away.
    """
    rough = replace(seen, corrected=False)
    begun = legal(seen, guesses[0]) if guesses and seen.target.complete else _one_focus(rough, guesses)
    rng = np.random.default_rng(seen.seed)
    unit = seen.box.to_unit(begun)
    spread = [START_SPREAD * rng.standard_normal(unit.size) for _ in range(starts - 1)]
    places = [begun, *(legal(seen, seen.box.from_unit(np.clip(unit + s, 0, 1))) for s in spread)]
    if as_density(rough) is not rough:
        suggested = []
        for place in places:
            for extras in seen.target.extra_starts:
                shown = as_density(rough, extras)
                end = minimise(shown, seen.split(place)[0], iterations=settings["iterations"], tolerance=ROUGHLY)
                suggested.append(_with_best_extras(rough, end.parameters))
        places = [p for _, p in sorted([*suggested, *(_with_best_extras(rough, p) for p in places)], key=_loss)]
        places = places[:FOLLOWED]
    return min((settled(seen, place, **settings) for place in places), key=lambda end: end.loss)


def _loss(found: tuple[float, Array]) -> float:
    return found[0]


def _with_best_extras(problem: Problem, parameters: Array) -> tuple[float, Array]:
    """The loss with the extras that suit a tumour's density best, and [values, extras]."""
    c = problem.density(parameters)
    extras = problem.target.best_extras(c)
    return problem.target.loss(c, extras), np.concatenate([problem.split(parameters)[0], extras])


def _one_focus(seen: Problem, guesses: list[Array]) -> Array:
    """The start that explains most, with the extras that suit it: a guess, or a front at the centre."""
    model, target = seen.model, seen.target
    visible = float(target.visible.sum(dtype=np.float64)) * float(np.prod(seen.tissue.spacing))
    radius = (3 * visible / (4 * np.pi) / target.layers) ** (1 / 3)
    at_centre = model.on_tissue(seen.tissue, model.begin(seen.centre))
    fronts = [model.with_front(at_centre, 1.5 * radius + 4, width) for width in FRONT_WIDTHS]
    known = [_with_best_extras(seen, legal(seen, guess)) for guess in guesses]
    scaled = [matched(seen, values, target.extra_start, _density) for values in fronts]
    return min([*known, *scaled], key=_loss)[1]


def _unstuck(seen: SurrogateProblem, end: Minimum, settings: dict[str, Any]) -> Minimum:
    """Where exact gradients lead from where the Jacobian, which is not, leads no further."""
    if end.converged or end.reason != STUCK:
        return end
    import torch

    loss = SurrogateLoss(seen)
    loss.error = torch.as_tensor(seen.error, dtype=torch.float32, device=seen.static.device)
    exactly = {"iterations": settings["iterations"], "tolerance": settings["floor"]}
    exactly["relative_tolerance"] = settings["tolerance"]
    parameters, descent = lowest(seen, loss, end.parameters, False, 1, exactly)
    seen.runs.number += loss.evaluations
    return Minimum(parameters, descent.loss, [*end.history, *descent.history], descent.converged, descent.reason)


def _on_solver(
    problem: Problem,
    seen: SurrogateProblem,
    end: Minimum,
    started: float,
    settings: dict[str, Any],
    corrections: int,
) -> Fit:
    """The best of the solver's runs: where the search ended, and after each with the error taken off."""
    end = _unstuck(seen, end, settings)
    best, history, parameters, ended = None, list(end.history), end.parameters, end
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
        true = seen.window.cut(density) * seen.tissue.mask
        known = seen.without(true, parameters)
        ended = _unstuck(known, minimise(known, parameters, **settings), settings)
        parameters, history = ended.parameters, history + ended.history
    assert best is not None
    best.history, best.comparable, best.uncorrected_loss = history, len(end.history), runs[0]
    first, *corrected = runs
    best.details = {"kept": "gb_surrogate" if best.loss == first else "corrected", "loss_gb_surrogate": first}
    if corrected:
        best.details["loss_corrected"] = min(corrected)
    return best
