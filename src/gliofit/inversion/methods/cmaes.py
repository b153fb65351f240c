"""
Evolution strategies: derivative-free search by a population (CMA-ES; Hansen & Ostermeier 2001; Weidner 2026, Sec. 2.3).

Two methods share one search: candidates are judged by the numerical solver on the whole brain (the paper's classical
baseline and its reference for real patients), or by the surrogate on the crop, a whole population in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from gliofit.base.arrays import Array
from gliofit.base.errors import BeyondModelError
from gliofit.base.threads import torch_threads
from gliofit.inversion.crops import SurrogateLoss
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, finish, legal
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.evolution import search

COARSE_SHARE = 0.8
"""Share of the evaluations that a coarse grid may use (the GIFT tool's resolution schedule)."""

REFINING_SIGMA = 0.2
"""Step size after the coarse search, as a fraction of the first one."""

NO_TUMOUR = 1e6
"""A loss above all others; cma takes none that is endless."""

Population = Annotated[int, Field(ge=2)]


@method("cmaes_solver", "CMA-ES solver", foci=("given",))
def cmaes_solver(
    problem: Problem,
    *,
    sigma0: PositiveFloat = 0.1,
    population: Population | None = None,
    max_evaluations: PositiveInt = 2000,
    tolerance: PositiveFloat = 1e-8,
    spacing: PositiveFloat | None = None,
) -> Fit:
    """
    CMA-ES on the numerical solver, the paper's classical baseline (Sec. 2.3).

    Starts at the centre of mass with the mean μ of the paper's training set; unknown thresholds are searched along.

    Parameters
    ----------
    problem : Problem
    sigma0 : float
        First step size as a fraction of each parameter's range (0.1: 8 mm of origin, 3.9 mm of μ_D, 0.7 of μ_ρ).
    population : int, optional
        Candidates per generation; by default 4 + ⌊3 ln n⌋ (8 for five parameters, the paper's).
    max_evaluations : int
        Solver runs, over both grids.
    tolerance : float
        Stop when recent generations' losses differ by less (paper: 1e-8).
    spacing : float, optional
        Search on a grid of this spacing (mm) first, for up to 80 % of the evaluations, then refine on the problem's
        own grid (coarse to fine, as in the GIFT tool). By default all runs are on the problem's grid.

    Returns
    -------
    Fit
        `history`: best loss so far per generation, of the coarse stage first if there was one (its losses belong to
        its own grid; `details["coarse_generations"]` says how many they are).
    """
    started = clock()
    options: dict[str, Any] = {"population": population, "tolerance": tolerance, "seed": problem.seed}
    unit, spent = problem.box.to_unit(_start(problem)), 0
    history: list[float] = []
    details: dict[str, Any] = {}
    if spacing is not None and spacing > problem.tissue.spacing.max():
        budget = max(1, int(COARSE_SHARE * max_evaluations))
        coarse = search(
            _solver(problem, problem.coarser(spacing)), unit, sigma0=sigma0, max_evaluations=budget, **options
        )
        unit, history, spent = coarse.unit, coarse.history, coarse.evaluations
        sigma0 *= REFINING_SIGMA
        details = {"coarse_spacing": float(spacing), "coarse_generations": len(history), "coarse_reason": coarse.reason}
    found = search(
        _solver(problem, problem), unit, sigma0=sigma0, max_evaluations=max(1, max_evaluations - spent), **options
    )
    return finish(
        problem,
        problem.box.from_unit(found.unit),
        started,
        history=history + found.history,
        evaluations=spent + found.evaluations,
        converged=found.converged,
        reason=found.reason,
        details=details,
    )


def _start(problem: Problem) -> Array:
    """The problem's start with thresholds that a scan finds for its density: away from them the loss has no slope."""
    if not problem.target.unknowns:
        return problem.start
    values, _ = problem.split(legal(problem, problem.start))
    return np.concatenate([values, problem.target.best_extras(problem.density(values))])


def _solver(problem: Problem, grid: Problem) -> Callable[[Array], Array]:
    """
    Losses of unit-scaled candidates under the numerical solver on `grid`, a resampling of `problem`.

    Origins outside tissue count as the nearest point in it. Where the growth model describes no tumour the loss is
    `NO_TUMOUR`.
    """

    def loss(unit: Array) -> float:
        try:
            return grid.loss(legal(grid, problem.box.from_unit(unit)))
        except BeyondModelError:
            return NO_TUMOUR

    return lambda candidates: np.array([loss(unit) for unit in candidates])


@method("cmaes_surrogate", "CMA-ES surrogate", networks=("surrogate",))
def cmaes_surrogate(
    problem: Problem,
    *,
    sigma0: PositiveFloat = 0.1,
    population: Population | None = None,
    max_evaluations: PositiveInt = 1000,
    tolerance: PositiveFloat = 1e-8,
) -> Fit:
    """
    CMA-ES on the surrogate, its gradients ignored (Weidner 2026, Sec. 2.3).

    A population is one batch for the network. Settings as for `cmaes_solver`, without the coarse grid; `evaluations`
    counts the surrogate's runs and `history` holds its losses on the crop.
    """
    import torch

    started = clock()
    with torch_threads(problem.threads), torch.no_grad():
        loss = SurrogateLoss(problem)
        found = search(
            lambda candidates: loss(torch.as_tensor(candidates)).cpu().numpy(),
            problem.box.to_unit(legal(problem, problem.start)),
            sigma0=sigma0,
            population=population,
            max_evaluations=max_evaluations,
            tolerance=tolerance,
            seed=problem.seed,
        )
    return finish(
        problem,
        problem.box.from_unit(found.unit),
        started,
        history=found.history,
        evaluations=loss.evaluations,
        converged=found.converged,
        reason=found.reason,
    )
