"""
Gauss–Newton (Levenberg–Marquardt) on the numerical solver with its exact Jacobian.

A growth model has a handful of unknowns, so a handful of tangent fields is the whole Jacobian, and a few steps replace
thousands of solver runs. What can go wrong is the start: it is sought on a coarse grid from several starts whose growth
reproduces the visible volume with fronts of different width, and only the best go on to the finer grids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.inversion.fit import Fit
from gliofit.inversion.foci import add_foci
from gliofit.inversion.legal import clock
from gliofit.inversion.posterior.laplace import covariance
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.levenberg_marquardt import Minimum, minimise
from gliofit.inversion.simpler import beyond, searched
from gliofit.inversion.solver_foci import COMPARED, ENOUGH, OneMore, seen_by, settled
from gliofit.inversion.starts import FRONT_WIDTHS, Starts
from gliofit.observation.density import DensityTarget

CLEAN = 0.02
"""Loss of outlines below which time steps count: no one draws so well, but simulated tumours have such."""


@method("gauss_newton", "Gauss–Newton on the solver (ours)", foci=("given", "auto"))
def gauss_newton(
    problem: Problem,
    front_widths: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = FRONT_WIDTHS,
    coarsest: float = 4.0,
    keep: PositiveInt = 2,
    iterations: PositiveInt = 60,
    tolerance: float = 1e-4,
    retries: NonNegativeInt = 3,
    good_enough: float = 1e-3,
    uncertainty: bool = True,
    start: Array | None = None,
) -> Fit:
    """
    Levenberg–Marquardt on the numerical solver, coarse to fine.

    Parameters
    ----------
    problem : Problem
        Any observation, any growth model.
    front_widths : tuple of float
        μ_D/μ_ρ in mm of the starts at the centre of mass; each is scaled to the visible volume.
    coarsest : float
        Spacing in mm of the first grid; starts are compared there.
    keep : int
        Best starts that go on to the next grid.
    iterations : int
        Most Jacobians per start and grid; `COMPARED` while starts from coarser grids are compared on the finest.
    tolerance : float
        Relative; see `minimise`. On the coarse grid of outlines, and where numbers of foci are compared, `ENOUGH` at
        least.
    retries : int
        Rounds of starts at other origins while a density is not explained.
    good_enough : float
        Loss relative to the mean squared density above which a density counts as not explained.
    uncertainty : bool
        Compute the Laplace covariance and the density's standard deviation.
    start : ndarray [n + k] or [starts, n + k], optional
        [values of one focus, extras]: starts here alone, and not on a coarse grid first; several are compared as this
        method's own are (what `hybrid_gn` does). Outlines are searched for on the coarsest grid either way.

    Returns
    -------
    Fit
        `evaluations`: the solver's runs, with its Jacobian or without.
    """
    started, before = clock(), problem.runs.number
    refine, problem = problem.refine, problem.with_long_steps()
    numbers, finest_grid = problem.model.foci_range, problem
    several = numbers != (1, 1)
    levels = _levels(replace(problem, model=problem.model.with_one_focus()), coarsest)
    rough, problem = levels[0], levels[-1]
    given = [] if start is None else list(np.atleast_2d(np.asarray(start, float)))
    levels = [problem] if len(given) == 1 else levels
    explained = good_enough * _power(problem)
    details: dict[str, Any] = {"rounds": 0}
    simpler = None if given else problem.model.simpler()
    precision = max(tolerance, ENOUGH) if several and not problem.target.complete else tolerance
    roughly: dict[str, Any] = {
        "iterations": iterations,
        "tolerance": precision if precision == tolerance else 10 * precision,
    }

    if simpler is not None:
        plain = gauss_newton(replace(levels[0], model=simpler.model), front_widths, coarsest, uncertainty=False)
        rough, problem = searched(levels[0], simpler), searched(problem, simpler)
        settings = {"iterations": iterations, "tolerance": precision, "floor": 1e-9 * _power(problem)}
        best, details["searches"] = beyond(rough, problem, simpler, plain, explained, **settings)
    elif given:
        best, details["rounds"] = _best_end(levels, [lambda: given], explained, keep, **roughly)
    else:
        starts = Starts(levels[0], front_widths, np.random.default_rng(problem.seed))
        turns = range(1 + (retries if problem.target.complete else 0))
        rounds = [partial(starts.round, number) for number in turns]
        best, details["rounds"] = _best_end(levels, rounds, explained, keep, **roughly)

    sought = None
    details["levels_mm"] = [float(level.tissue.spacing.max()) for level in [*levels[:-1], finest_grid]]
    if several:
        # by blurred outlines so far, which lead from further away
        problem = replace(problem, target=problem.target.voxelwise())
        best = settled(problem, best.parameters, iterations=iterations, tolerance=precision)
        rough = rough if problem.target.complete else problem
        foci = add_foci(problem, best, OneMore(iterations), Problem.density, numbers, rough)
        problem, best, sought = foci.problem, foci.end, foci.record()
    coarser = problem.tissue is not finest_grid.tissue
    if coarser:
        details["searched_mm"] = float(problem.tissue.spacing.max())
    if coarser or several:
        target = finest_grid.target.voxelwise() if several else finest_grid.target
        problem = replace(finest_grid, model=problem.model, target=target)
        best = settled(problem, best.parameters, iterations=iterations, tolerance=precision)
    if simpler is not None:
        problem = finest_grid
        if problem.target.complete:
            best = settled(problem, best.parameters, **settings)
    quick, problem = problem, replace(problem, refine=refine)
    if quick.refine != refine and problem.model.refinable and _clean(best, problem):
        best = settled(problem, best.parameters, iterations=iterations, tolerance=precision)
    if several:
        problem = replace(problem, target=finest_grid.target.sharpened())
    if not problem.target.complete:
        best = seen_by(problem, best)
    fit = Fit.of(
        problem,
        best.parameters,
        started,
        history=best.history,
        evaluations=problem.runs.number - before,
        converged=best.converged,
        reason=best.reason,
        foci=sought,
        details=details,
    )
    if fit.foci is not None:
        fit.foci["dice"][len(fit.origins) - 1] = fit.explained(problem.target)
    if uncertainty:
        fit.covariance, fit.deviation = covariance(problem, best.parameters)
    return fit


def _best_end(
    levels: list[Problem],
    rounds: Sequence[Callable[[], list[Array]]],
    explained: float,
    keep: int,
    iterations: int,
    tolerance: float,
) -> tuple[Minimum, int]:
    """
    The lowest end of searches coarse to fine, and how many rounds of starts it took.

    Parameters
    ----------
    levels : list of Problem
        Coarse to fine.
    rounds : sequence of callable
        Each gives starts on the coarsest grid; the first has one at least. Further ones are asked for while the loss is
        above `explained`.
    keep : int
        Ends that go on to the next grid.
    iterations, tolerance
        Of the searches on the finest grid.
    """
    problem, coarse_best, done = levels[-1], np.inf, 0
    best: Minimum | None = None
    for starts in rounds:
        if best is not None and best.loss <= explained:
            break
        candidates = starts()
        done += 1
        if not candidates:
            break
        for depth, level in enumerate(levels):
            finest = level is problem
            if finest and len(candidates) == 1:
                break  # nothing to compare
            most = COMPARED if finest and depth else iterations
            found = sorted((_search(level, p, problem, most) for p in candidates), key=lambda m: m.loss)
            candidates = _distinct([m.parameters for m in found], problem.box)[: 1 if finest else keep]
            if depth == 0:
                if found[0].loss > 0.8 * coarse_best:
                    candidates = []  # a round of starts that leads nowhere new
                    break
                coarse_best = found[0].loss
        for p in candidates:
            end = settled(problem, p, iterations=iterations, tolerance=tolerance, floor=1e-9 * _power(problem))
            best = end if best is None or end.loss < best.loss else best
    assert best is not None  # the first round has its start at the centre of mass
    return best, done


def _levels(problem: Problem, coarsest: float) -> list[Problem]:
    """
    The problem on the grids of its search, coarse to fine.

    Outlines are searched for on the coarsest alone, where a run takes a seventh of the time – first as densities that
    they could have come from, then themselves: along the valley from wide fronts to narrow ones a search takes many
    steps, and the valley is the same on all grids.
    """
    levels = levels_of(problem, coarsest)
    return levels if problem.target.complete else [levels[0], replace(levels[0])]


def levels_of(problem: Problem, coarsest: float = 4.0) -> list[Problem]:
    """The problem on 4, 2 and 1 mm, as far as that is coarser than its own grid, and itself."""
    own = float(problem.tissue.spacing.max())
    # one centre for all, so that the box about it differs only where a grid ends: a coarse one has the brain alone
    return [*(problem.coarser(h) for h in (4.0, 2.0, 1.0) if coarsest >= h > 1.3 * own), problem]


def _clean(end: Minimum, problem: Problem) -> bool:
    """Whether outlines, and nothing else, are explained so well that time steps count."""
    return problem.target.outlined is problem.target and end.loss < CLEAN


def _power(problem: Problem) -> float:
    """Mean square of an observed density, which its loss is measured by; 0 where only a part of it was seen."""
    seen = problem.target.visible
    return float(np.mean(np.square(seen, dtype=np.float64))) if problem.target.complete else 0.0


def _search(level: Problem, start: Array, problem: Problem, iterations: int) -> Minimum:
    """
    From a start towards the minimum on one grid, roughly.

    On a grid coarser than the problem's, outlines are seen as a density that they could have come from: thresholds have
    a slope only where the density crosses them, a few voxels on a coarse grid, and blurring them would favour high
    ones; a density leads from further away.
    """
    settings: dict[str, Any] = {"iterations": iterations, "tolerance": 1e-2, "floor": 1e-4 * _power(problem)}
    values, extras = level.split(start)
    density = (
        None if level is problem or level.target.complete else level.target.suggested_density(level.tissue, extras)
    )
    if density is None:
        return minimise(level, start, **settings)
    seen = replace(level, target=DensityTarget(density), around=level.centre)
    end = minimise(seen, values, **settings)
    # densities of other thresholds do not compare, the observation does, each with the thresholds that suit it best
    c = level.density(end.parameters)
    extras = level.target.best_extras(c)
    return replace(end, parameters=np.concatenate([end.parameters, extras]), loss=level.target.loss(c, extras))


def _distinct(candidates: list[Array], box: Box) -> list[Array]:
    """Those that differ from every better one by more than a fortieth of some parameter's range."""
    kept: list[Array] = []
    for p in candidates:
        if all(np.abs(box.to_unit(p) - box.to_unit(q)).max() > 1 / 40 for q in kept):
            kept.append(p)
    return kept
