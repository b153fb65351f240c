"""
Gauss–Newton (Levenberg–Marquardt) on the numerical solver with its exact Jacobian.

θ has five numbers, so five tangent fields are the whole Jacobian, and a handful of steps replaces thousands of solver
runs. What can go wrong is the start: it is sought on a coarse grid from several starts whose (μ_D, μ_ρ) reproduce
the visible volume with fronts of different width, and only the best go on to the finer grids.
"""

from __future__ import annotations

import time

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.growth import simulate
from gliofit.growth.theta import Theta
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import into_tissue
from gliofit.inversion.posterior.laplace import density_deviation
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.levenberg_marquardt import minimise, normal_equations
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.outlines import density_from_segmentation
from gliofit.observation.segmentation import SegmentationTarget

COMPARED = 6
"""Most Jacobians per start while those that come from coarser grids are compared: enough to tell which goes on."""


def matched_starts(problem: Problem, front_widths: tuple[float, ...], origin: Array, extras: Array) -> list[Array]:
    """
    Starts at one origin, with given extras, one per width (mm) of the front √(D/ρ) = μ_D/μ_ρ.

    Their growth, 2·μ_D·μ_ρ, is chosen to give the visible volume (secant search on the solver).
    """
    base = problem.start.copy()
    base[:3], base[5:] = origin, extras
    observed = float(problem.target.visible.sum(dtype=np.float64))
    voxel = float(np.prod(problem.tissue.spacing))
    target = problem.target
    while isinstance(target, JointTarget):
        target = target.parts[0]

    def visible(p: Array) -> float:
        c = problem.density(p)
        if isinstance(target, SegmentationTarget):
            return float((c > p[5]).sum() + (c > p[6]).sum())
        return float(c.sum(dtype=np.float64))

    radius = (3 * observed * voxel / (4 * np.pi) / (2 if isinstance(target, SegmentationTarget) else 1)) ** (1 / 3)
    lower, upper = problem.box.lower, problem.box.upper
    starts = []
    for width in front_widths:
        low, high, distance = 0.2 * radius, 8 * radius + 40, 1.5 * radius + 4
        for _ in range(5):
            p = base.copy()
            p[3], p[4] = np.sqrt(distance / 2 * width), np.sqrt(distance / 2 / width)
            p[3:5] = np.clip(p[3:5], lower[3:5] * 1.02, upper[3:5] * 0.98)
            ratio = (visible(p) + 1) / (observed + 1)
            if ratio > 1:
                high = distance
            else:
                low = distance
            distance = float(np.clip(distance / ratio ** (1 / 3), low + 0.1 * (high - low), high - 0.1 * (high - low)))
            if 0.9 < ratio < 1.1:
                break
        starts.append(p)
    return starts


def levels_of(problem: Problem, coarsest: float = 4.0) -> list[Problem]:
    """The problem on 4, 2 and 1 mm, as far as that is coarser than its own grid, and itself."""
    own = float(problem.tissue.spacing.max())
    coarse = [problem.resampled(h) for h in (4.0, 2.0, 1.0) if coarsest >= h > 1.3 * own]
    for level in coarse:
        # one centre for all, so that the box about it differs only where a grid ends: a coarse one has the brain alone
        level.__dict__["centre"] = problem.centre
    return [*coarse, problem]


def _distinct(candidates: list[Array], box: Box) -> list[Array]:
    """Those that differ from every better one by more than a fortieth of some parameter's range."""
    kept: list[Array] = []
    for p in candidates:
        if all(np.abs(box.to_unit(p) - box.to_unit(q)).max() > 1 / 40 for q in kept):
            kept.append(p)
    return kept


def _origins(problem: Problem, count: int, rng: np.random.Generator) -> list[Array]:
    """Further places to start from: drawn within the visible tumour, the denser the likelier."""
    weight = (problem.target.visible.astype(np.float64) * problem.tissue.mask).ravel() ** 2
    if not weight.sum() > 0:
        return []
    chosen = rng.choice(weight.size, size=count, p=weight / weight.sum())
    return list(problem.tissue.to_world(np.stack(np.unravel_index(chosen, problem.tissue.shape), -1)))


def covariance(problem: Problem, parameters: Array) -> tuple[Array, Array]:
    """
    Laplace approximation of the posterior at `parameters`, flat prior within the bounds.

    Residuals are taken as independent with their mean square in tissue as variance, so that model error counts as
    noise; on a smooth misfit this understates the uncertainty.

    Returns
    -------
    covariance : ndarray [5 + k, 5 + k]
        Of [θ, extras], in their units.
    deviation : ndarray [x, y, z]
        Standard deviation of the density.
    """
    theta = Theta.from_array(parameters[:5])
    c, jacobian = simulate(problem.tissue, theta, jacobian=True, threads=problem.threads)
    _, _, matrix = normal_equations(problem.target, c, jacobian, parameters[5:])
    residuals = problem.target.residuals(c, parameters[5:]).r
    # outside tissue nothing is predicted, and what fits there by itself says nothing of the noise
    variance = float(np.mean(np.square(residuals[:, problem.tissue.mask], dtype=np.float64)))
    width = problem.box.upper - problem.box.lower
    # in unit-scaled parameters, with the width of the box as the weakest prior, so that it can always be inverted
    precision = matrix * residuals.size / max(variance, 1e-12) * np.outer(width, width) + 12 * np.eye(len(width))
    spread = np.linalg.inv(precision) * np.outer(width, width)
    return spread, density_deviation(jacobian, spread)


def _is_density(target) -> bool:
    return isinstance(target, DensityTarget) or (isinstance(target, JointTarget) and _is_density(target.parts[0]))


@method("gauss_newton", "Gauss–Newton on the solver (ours)")
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
        Target: density, segmentation, PET or several.
    front_widths : tuple of float
        μ_D/μ_ρ in mm of the starts at the centre of mass; each is scaled to the visible volume.
    coarsest : float
        Spacing in mm of the first grid; starts are compared there.
    keep : int
        Best starts that go on to the next grid.
    iterations : int
        Most Jacobians per start and grid; `COMPARED` while starts from coarser grids are compared on the finest.
    tolerance : float
        Relative; see `minimise`.
    retries : int
        Rounds of starts at other origins while a density is not explained.
    good_enough : float
        Loss relative to the mean squared density above which a density counts as not explained.
    uncertainty : bool
        Compute the Laplace covariance and the density's standard deviation.
    start : ndarray [5 + k], optional
        Starts here alone, on the finest grid (what `hybrid_gn` does).

    Returns
    -------
    Fit
    """
    started = time.perf_counter()
    rng = np.random.default_rng(problem.seed)
    levels = levels_of(problem, coarsest) if start is None else [problem]
    spent: list[int] = []
    density = _is_density(problem.target)
    power = float(np.mean(np.square(problem.target.visible, dtype=np.float64))) if density else 0.0
    best, coarse_best = (np.inf, problem.start, [], False, "no start"), np.inf

    for round_ in range(1 + (retries if density and start is None else 0)):
        if start is not None:
            candidates = [np.asarray(start, float)]
        else:
            centre = into_tissue(levels[0].tissue, problem.centre)
            origins = [centre] if round_ == 0 else _origins(levels[0], 2, rng)
            extras = problem.target.extra_starts
            candidates = [s for o in origins for e in extras for s in matched_starts(levels[0], front_widths, o, e)]
            spent.append(4 * len(candidates))
        passes = [(level, False) for level in levels] + [(problem, True)]
        for depth, (level, last) in enumerate(passes):
            compared = level is problem and not last
            if compared and len(candidates) == 1:
                continue  # nothing to compare: straight to the last pass
            found = []
            for p in candidates:
                p, loss, history, converged, reason, evaluations = minimise(
                    level if level is problem else _approximated(level, p[5:]),
                    p,
                    iterations=min(iterations, COMPARED) if compared and depth else iterations,
                    tolerance=tolerance if last else 1e-2,
                    floor=1e-9 * power if last else 1e-4 * power,
                    free=None if density or level is problem else np.arange(len(p)) < 5,
                )
                spent.append(evaluations)
                if not density and level is not problem:
                    loss = level.loss(p)  # densities of other thresholds do not compare, segmentations do
                found.append((loss, p, history, converged, reason))
            found.sort(key=lambda f: f[0])
            candidates = _distinct([f[1] for f in found], problem.box)[: 1 if level is problem else keep]
            if depth == 0:
                if found[0][0] > 0.8 * coarse_best:
                    break  # another round of starts that leads nowhere new
                coarse_best = found[0][0]
        else:
            best = min(best, found[0], key=lambda f: f[0])
        if best[0] <= good_enough * power:
            break

    _, parameters, history, converged, reason = best
    fit = Fit.of(
        problem,
        parameters,
        started,
        history=history,
        evaluations=sum(spent),
        converged=converged,
        reason=reason,
        details={"levels_mm": [float(level.tissue.spacing.max()) for level in levels], "rounds": round_ + 1},
    )
    if uncertainty:
        fit.covariance, fit.deviation = covariance(problem, parameters)
    return fit


def _approximated(level: Problem, extras: Array) -> Problem:
    """
    The problem as seen on a coarse grid: segmentations become a density they could have come from.

    Thresholds have a slope only where the density crosses them, a few voxels on a coarse grid, and blurring them would
    favour high ones; a density leads from further away. Its thresholds stay where the start has them.
    """
    target = level.target.parts[0] if isinstance(level.target, JointTarget) else level.target
    if not isinstance(target, SegmentationTarget):
        return level
    density = density_from_segmentation(target.core, target.whole, level.tissue, *extras[:2])
    seen = Problem(level.tissue, DensityTarget(density), seed=level.seed, threads=level.threads)
    seen.__dict__.update(centre=level.centre, box=level.box, start=level.start)
    return seen
