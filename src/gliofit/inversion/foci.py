"""
How many foci a tumour grew from: one more, as long as the observation speaks for it.

A further focus is sought where the outlines are not explained, where an explained part is long, and beside the foci
that there are: two seeds at one place are nearly one, so that a search from there begins where that with one focus less
has ended. Whether it stays is decided by three things: its coordinates must lower the loss by more than they would by
chance (Akaike's criterion), it must lie apart from the others, and compare with what a deformation of the tumour would
explain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import pdist

from gliofit.base.arrays import Array
from gliofit.base.masks import ball_radius, surface
from gliofit.growth import GrowthModel
from gliofit.inversion.deformed import deformed_loss
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import Minimum

ERROR_LENGTH = 0.4
"""
Correlation length of an outline's errors, in radii of a ball of its volume: that of the cohort's rough outlines, whose
roughness is real ones' (docs/cohort.md). What is off is off over a share of a tumour, large or small.
"""

SMALLEST_PIECE_ML = 0.3
"""A missed piece below this is no focus."""

PIECES = 2
"""Missed pieces of each outline that are tried, the largest first."""

BESIDE_MM = 3.0
"""From a focus to a further one beside it: less than a seed is wide, enough to have a slope."""

MATCHING = 4
"""Runs at most in which a start's front is brought to where the outlines are."""

NEAR_MM, FAR_MM = 14.0, 18.0
"""
The smallest distance of any two foci. Below the first a focus explains roughness, whose correlation length is as long
in a tumour of a real one's size; beyond the second, what it explains looks less like a deformation. Chosen, with the
next ones, on simulated tumours (docs/cohort.md).
"""

NEAR_RADII, FAR_RADII = 0.75, 1.0
"""The same in radii of the tumour, where that is less: roughness and deformations scale with it."""

BETTER, ALIKE = 0.95, 1.1
"""Of the loss that a deformation reaches: what another focus must bring it below, nearby and far away."""

WIDE_MM, NARROWER_MM = 4.0, 2.0
"""Width √(D/ρ) of a front from which starts for a further focus have a narrower one, too, and that one's."""

COMPARED = 3
"""Places for a further focus from which a search begins, those whose density explains most."""


@dataclass
class Foci:
    """
    What adding foci led to.

    Parameters
    ----------
    problem : Problem
        With the model of as many foci as are kept.
    end : Minimum
    losses : list of float
        Of at most one focus, two, …, the first that is not kept included; of the given problem, whose thresholds are
        better blurred little (`Observation.sharpened`).
    explained : list of dict
        Dice of each outline, likewise.
    """

    problem: Problem
    end: Minimum
    losses: list[float]
    explained: list[dict[str, float]]

    def record(self) -> dict[str, list]:
        """For `Fit.foci`."""
        return {"loss": self.losses, "dice": self.explained}


Search = Callable[[Problem, Problem, list[Array], float], Minimum]
Density = Callable[[Problem, Array], Array]


def add_foci(
    problem: Problem,
    end: Minimum,
    search: Search,
    density: Density,
    numbers: tuple[int, int],
    rough: Problem,
) -> Foci:
    """
    Add foci to a search's end while they are worth their coordinates.

    Parameters
    ----------
    problem : Problem
        With a model of one focus.
    end : Minimum
        Where the search with that model ended.
    search : callable
        (problem with one more focus, the same on the rough grid, starts there, the most promising first, the loss with
        one focus less) → the best end from them.
    density : callable
        (problem, parameters) → density [x, y, z] on the problem's grid.
    numbers : tuple of int
        Fewest and most foci (`GrowthModel.foci_range`): up to the former they are added whatever they are worth.
    rough : Problem
        The problem on a coarser grid or with outlines that are blurred more, for what need not be exact.
    """
    least, most = numbers
    patches = independent_patches(problem)
    found = Foci(problem, end, [end.loss], [])
    c = density(problem, end.parameters)
    while True:
        values, extras = found.problem.split(found.end.parameters)
        found.explained.append(problem.target.explained(c, extras))
        if len(found.problem.model.origins) >= most:
            return found
        model = found.problem.model.with_another_focus()
        if model is None:
            return found
        more, coarse = (replace(p, model=model, around=problem.centre) for p in (problem, rough))
        starts = [
            matched(coarse, start, extras, density)
            for moved, origin in _further(found.problem, values, c, extras)
            for start in _fronts(model, found.problem.model.add_focus(moved, origin))
        ]
        if not starts:
            return found
        starts.sort(key=lambda start: start[0])
        further = search(more, coarse, [p for _, p in starts[:COMPARED]], found.end.loss)
        # with some foci at one place, more of them are no worse
        found.losses.append(min(further.loss, found.end.loss))
        fewer, c = c, density(more, further.parameters)
        if len(found.problem.model.origins) >= least and not _kept(found, further, more, fewer, patches):
            found.explained.append(problem.target.explained(c, more.split(further.parameters)[1]))
            return found
        found.problem, found.end = more, further


def _fronts(model: GrowthModel, values: Array) -> list[Array]:
    """`values`, and where their front is wide the same with a narrower one: in a wide one, foci are not told apart."""
    mu_D, mu_rho = (float(values[model.names.index(name)]) for name in ("mu_D", "mu_rho"))
    if mu_D / mu_rho <= WIDE_MM:
        return [values]
    return [values, model.with_front(values, 2 * mu_D * mu_rho, NARROWER_MM)]


def _kept(found: Foci, further: Minimum, more: Problem, fewer: Array, patches: float) -> bool:
    """
    Whether one focus more is kept: apart from the others, and worth its coordinates.

    What a linear deformation of the density with one `fewer` explains is no reason for another focus: so does a tumour
    look whose cells spread otherwise than the model has it.
    """
    values, _ = more.split(further.parameters)
    apart = float(pdist(values[more.model.origins]).min())
    near, far = _distances(found.problem)
    unknowns = more.model.size - found.problem.model.size
    if apart < near or not worth_it(found.end.loss, further.loss, patches, unknowns):
        return False
    extras = found.problem.split(found.end.parameters)[1]
    share = BETTER if apart < far else ALIKE
    return further.loss < share * deformed_loss(found.problem, fewer, extras)


def _distances(problem: Problem) -> tuple[float, float]:
    """Smallest distance (mm) of two foci, and that from which they are compared with a deformation more mildly."""
    radius = max(_radii(problem), default=np.inf)
    return min(NEAR_MM, NEAR_RADII * radius), min(FAR_MM, FAR_RADII * radius)


def _radii(problem: Problem) -> list[float]:
    """Of balls (mm) of the observed outlines' volumes."""
    outlines = problem.target.outlines()
    return [ball_radius(part >= 0.5, problem.tissue.spacing) for part in outlines] if outlines is not None else []


def worth_it(before: float, after: float, patches: float, unknowns: int) -> bool:
    """
    Whether `unknowns` more are worth the loss they save: Akaike's criterion, patches as independent observations.

    The loss is the volume between outlines, a mean distance; its square stands for the variance of what is not
    explained: 2·patches·ln(before/after) > 2·unknowns.
    """
    return bool(patches * np.log(before / max(after, 1e-12)) > unknowns)


def independent_patches(problem: Problem) -> float:
    """
    Number of patches of the observed outlines that are off independently of one another, as far as one can say.

    Errors with the correlation exp(−r²/2l²), l = `ERROR_LENGTH` radii, leave one patch per 2πl². About 20 per outline,
    whatever its size; more of a ragged one.
    """
    outlines = problem.target.outlines()
    if outlines is None:
        return 1.0
    spacing, patches = problem.tissue.spacing, 0.0
    for mask in (fraction >= 0.5 for fraction in outlines):
        radius = ball_radius(mask, spacing)
        if radius > 0:
            patches += surface(mask, spacing) / (2 * np.pi * (ERROR_LENGTH * radius) ** 2)
    return max(patches, 2.0)


def _further(problem: Problem, values: Array, c: Array, extras: Array) -> list[tuple[Array, Array]]:
    """Places for one more focus, each as (values of the present ones, further origin in mm)."""
    tissue = problem.tissue
    found = [(values, tissue.nearest_tissue(place)) for place in _missed(problem, c, extras)]
    for places, centre, along in _shares(problem, values):
        moved = values.copy()
        moved[places] = tissue.nearest_tissue(centre - along)
        beside = values[places] + BESIDE_MM * along / max(float(np.linalg.norm(along)), 1e-9)
        found += [(moved, tissue.nearest_tissue(centre + along)), (values, tissue.nearest_tissue(beside))]
    return found


def _missed(problem: Problem, c: Array, extras: Array) -> list[Array]:
    """Centres (mm) of the largest pieces of each outline that the density does not reach."""
    tissue, places = problem.tissue, []
    smallest = SMALLEST_PIECE_ML * 1000 / float(np.prod(tissue.spacing))
    for missed in problem.target.missed(c, extras):
        # what is left of a piece two voxels thick is a rim, which no focus would fill
        pieces, number = ndimage.label(ndimage.binary_opening(missed & tissue.mask))
        if number:
            sizes = np.bincount(pieces.ravel())[1:]
            for piece in np.argsort(-sizes)[:PIECES]:
                if sizes[piece] >= smallest:
                    places.append(tissue.to_world(np.argwhere(pieces == piece + 1).mean(0)))
    return places


def _shares(problem: Problem, values: Array) -> list[tuple[Array, Array, Array]]:
    """
    Of each focus's share of the visible tumour, what is nearer to it than to another: where its origin is in `values`,
    the share's centre (mm), and one standard deviation along its longest axis (mm).
    """
    tissue, visible = problem.tissue, problem.target.visible
    index = np.argwhere(visible > 0)
    points, weight = tissue.to_world(index), visible[tuple(index.T)].astype(float)
    apart = [((points - values[places]) ** 2).sum(1) for places in problem.model.origins]
    nearest = np.argmin(apart, axis=0)
    shares = []
    for focus, places in enumerate(problem.model.origins):
        own = nearest == focus
        if weight[own].sum() > 0:
            centre = np.average(points[own], axis=0, weights=weight[own])
            spread = (points[own] - centre).T @ ((points[own] - centre) * weight[own][:, None]) / weight[own].sum()
            lengths, axes = np.linalg.eigh(spread)
            shares.append((places, centre, np.sqrt(max(lengths[-1], 0.0)) * axes[:, -1]))
    return shares


def matched(problem: Problem, values: Array, extras: Array, density: Density) -> tuple[float, Array]:
    """
    [values, extras] with the front's way shortened or lengthened until as much is visible as was observed, and with
    the extras that suit it best; the loss with them comes first.
    """
    model, target = problem.model, problem.target
    mu_D, mu_rho = (values[model.names.index(name)] for name in ("mu_D", "mu_rho"))
    distance, width = 2 * mu_D * mu_rho, mu_D / mu_rho
    observed = float(target.visible.sum(dtype=np.float64))
    for left in range(MATCHING, 0, -1):
        c = density(problem, np.concatenate([values, extras]))
        ratio = (target.visible_size(c, extras) + 1) / (observed + 1)
        if left == 1 or 0.9 < ratio < 1.1:
            break
        distance *= float(np.clip(ratio ** (-1 / 3), 0.6, 1.5))
        values = model.with_front(values, distance, width)
    extras = target.best_extras(c)
    return target.loss(c, extras), np.concatenate([values, extras])
