"""
Gauss–Newton (Levenberg–Marquardt) on the numerical solver with its exact Jacobian.

A growth model has a handful of unknowns, so a handful of tangent fields is the whole Jacobian, and a few steps replace
thousands of solver runs. What can go wrong is the start: it is sought on a coarse grid from several starts whose growth
reproduces the visible volume with fronts of different width, and only the best go on to the finer grids.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.inversion.fit import Fit
from gliofit.inversion.foci import add_foci
from gliofit.inversion.posterior.laplace import covariance
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.levenberg_marquardt import Minimum, minimise
from gliofit.inversion.simpler import beyond, searched
from gliofit.inversion.solver_foci import COMPARED, ENOUGH, OneMore, seen_by, settled
from gliofit.observation.density import DensityTarget

FOLLOWED = 3
"""Starts that searches for outlines begin from, those that explain most: from most of them they end in one valley."""


@method("gauss_newton", "Gauss–Newton on the solver (ours)", foci=("given", "auto"))
def gauss_newton(
    problem: Problem,
    front_widths: tuple[float, ...] = (1.5, 3.0, 6.0),
    coarsest: float = 4.0,
    keep: int = 2,
    iterations: int = 60,
    tolerance: float = 1e-4,
    retries: int = 3,
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
    start : ndarray [n + k], optional
        [values of one focus, extras]: starts here alone (what `hybrid_gn` does).

    Returns
    -------
    Fit
        `evaluations`: the solver's runs, with its Jacobian or without.
    """
    started, before = time.perf_counter(), problem.runs.number
    numbers, finest_grid = problem.model.foci_range, problem
    several = numbers != (1, 1)
    levels = _levels(replace(problem, model=problem.model.with_one_focus()), coarsest)
    rough, problem = levels[0], levels[-1]
    levels = levels if start is None else [problem]
    rounds = 1 + (retries if problem.target.complete and start is None else 0)
    explained = good_enough * _power(problem)
    starts = _Starts(levels[0], front_widths, np.random.default_rng(problem.seed))
    best, coarse_best, done = None, np.inf, 0
    details: dict[str, Any] = {}
    simpler = problem.model.simpler() if start is None else None
    precision = max(tolerance, ENOUGH) if several and not problem.target.complete else tolerance
    roughly = precision if precision == tolerance else 10 * precision

    if simpler is not None:
        plain = gauss_newton(replace(levels[0], model=simpler.model), front_widths, coarsest, uncertainty=False)
        rough, problem = searched(levels[0], simpler), searched(problem, simpler)
        settings = {"iterations": iterations, "tolerance": precision, "floor": 1e-9 * _power(problem)}
        best, details["searches"] = beyond(rough, problem, simpler, plain, explained, **settings)

    while simpler is None and done < rounds and (best is None or best.loss > explained):
        candidates = [np.asarray(start, float)] if start is not None else starts.round(done)
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
            end = settled(problem, p, iterations=iterations, tolerance=roughly, floor=1e-9 * _power(problem))
            best = min((m for m in (best, end) if m is not None), key=lambda m: m.loss)

    assert best is not None  # the first round has its start at the centre of mass
    sought = None
    grids = [*levels[:-1], finest_grid]
    details |= {"levels_mm": [float(level.tissue.spacing.max()) for level in grids], "rounds": done}
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
        if not several:  # along the valley's floor steps bring little each, and are cheap on a coarse grid
            best = settled(problem, best.parameters, iterations=iterations, tolerance=precision)
        target = finest_grid.target.voxelwise() if several else finest_grid.target
        problem = replace(finest_grid, model=problem.model, target=target)
        best = settled(problem, best.parameters, iterations=iterations, tolerance=precision)
    if simpler is not None:
        problem = finest_grid
        if problem.target.complete:
            best = settled(problem, best.parameters, **settings)
    if several:
        problem = replace(problem, target=finest_grid.target.sharpened())
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
    coarse = [
        replace(problem.resampled(h), around=problem.centre) for h in (4.0, 2.0, 1.0) if coarsest >= h > 1.3 * own
    ]
    return [*coarse, problem]


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


class _Starts:
    """
    Where to begin on a grid: rounds of starts, the first at the centre of mass.

    Parameters
    ----------
    problem : Problem
    front_widths : tuple of float
        mm.
    rng : numpy Generator
        Of the further rounds' origins.
    """

    def __init__(self, problem: Problem, front_widths: tuple[float, ...], rng: np.random.Generator):
        self.problem, self.front_widths, self.rng = problem, front_widths, rng

    def round(self, number: int) -> list[Array]:
        """One start per origin, start of the extras and front width."""
        origins = [self.problem.centre] if number == 0 else self._origins(2)
        extras = self.problem.target.extra_starts
        found = [s for o in origins for e in extras for s in matched_starts(self.problem, self.front_widths, o, e)]
        return found if self.problem.target.complete else sorted(found, key=self._loss)[:FOLLOWED]

    def _loss(self, start: Array) -> float:
        """With the extras that suit its density best."""
        c = self.problem.density(start)
        return self.problem.target.loss(c, self.problem.target.best_extras(c))

    def _origins(self, count: int) -> list[Array]:
        """Places drawn within the visible tumour, the denser the likelier."""
        tissue = self.problem.tissue
        weight = (self.problem.target.visible.astype(np.float64) * tissue.mask).ravel() ** 2
        if not weight.sum() > 0:
            return []
        chosen = self.rng.choice(weight.size, size=count, p=weight / weight.sum())
        return list(tissue.to_world(np.stack(np.unravel_index(chosen, tissue.shape), -1)))


def matched_starts(problem: Problem, front_widths: tuple[float, ...], origin: Array, extras: Array) -> list[Array]:
    """
    Starts at one origin (mm), with given extras, one per width (mm) of the front √(D/ρ) = μ_D/μ_ρ.

    How far the front travels is chosen to give the visible volume (secant search on the solver).
    """
    model, target = problem.model, problem.target
    base = model.on_tissue(problem.tissue, model.begin(origin))
    observed = float(target.visible.sum(dtype=np.float64))
    voxel = float(np.prod(problem.tissue.spacing))
    radius = (3 * observed * voxel / (4 * np.pi) / target.layers) ** (1 / 3)
    starts = []
    for width in front_widths:
        low, high, distance = 0.2 * radius, 8 * radius + 40, 1.5 * radius + 4
        for _ in range(5):
            p = np.concatenate([model.with_front(base, distance, width), extras])
            ratio = (target.visible_size(problem.density(p), extras) + 1) / (observed + 1)
            if ratio > 1:
                high = distance
            else:
                low = distance
            distance = float(np.clip(distance / ratio ** (1 / 3), low + 0.1 * (high - low), high - 0.1 * (high - low)))
            if 0.9 < ratio < 1.1:
                break
        starts.append(p)
    return starts


def _distinct(candidates: list[Array], box: Box) -> list[Array]:
    """Those that differ from every better one by more than a fortieth of some parameter's range."""
    kept: list[Array] = []
    for p in candidates:
        if all(np.abs(box.to_unit(p) - box.to_unit(q)).max() > 1 / 40 for q in kept):
            kept.append(p)
    return kept
