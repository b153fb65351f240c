"""
What the tumours of the cohort grow from, and how.

One, two or three foci grow in a deformed atlas, some by another tensor of diffusion than fits assume, until core and
whole tumour have the volumes that were drawn. Their grid is rotated and has half the working grid's spacing, so that no
fit has their discretisation.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gliofit.anatomy.deformation import deformed
from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.synthetic.prior import OriginSampler
from gliofit.synthetic.turned_head import Truth, TurnedHead

FOCI = {1: 0.5, 2: 0.3, 3: 0.2}
"""Share of the patients with so many foci."""

APART_MM = (8.0, 40.0)
"""Distance of a further focus from the first; at most `APART_RADII` of the whole tumour's radius."""

APART_RADII = 2.0

LATER = (0.1, 1.0)
"""Seed of a further focus relative to the first's, log-uniform: it began later."""

VISIBLE_SHARE = 0.08
"""A focus is one if at least this share of the visible cells is nearest to it."""

OTHER_TENSOR = 0.5
"""Share of the patients whose cells spread otherwise than fits assume …"""

RATIO = (3.0, 30.0)
"""… with R = D_w/D_g in this range, log-uniform, …"""

ELONGATION = (1.5, 4.0)
"""… and so many times faster along one direction than across it, everywhere."""

DEFORMATION_MM = 2.0
"""Standard deviation per axis of the way from the atlas to the head: what a registration leaves."""

CORE_ML, CORE_SPREAD, CORE_RANGE = 22.0, 1.1, (1.0, 200.0)
"""Volume of the core: median, standard deviation of its logarithm, and range."""

SHARE, SHARE_SPREAD, SHARE_RANGE = 0.42, 1.1, (0.01, 0.97)
"""Core as a share of the whole tumour: median, standard deviation of its logit, and range."""

WHOLE_ML = 280.0
"""The largest whole tumour."""

THRESHOLDS = {"core": (0.4, 0.9), "whole": (0.03, 0.45)}
"""Densities at the outlines: wider than fits search, as real tumours' fits end at their bounds."""

MU_D, MU_RHO = (1.5, 30.0), (1.2, 7.5)
"""Of the truth: within what fits search."""

WIDTH_MM = (0.4, 15.0)
"""√(D/ρ) of a front between two balls of the volumes that were drawn, at the thresholds that were."""

DRAWS, TRIES = 20, 40
"""How many volumes are drawn at most, and how many tumours of each."""

MATCHES = 8
"""Runs in which a front is brought to the two volumes."""

DRAWING_MM = 4.0
"""Spacing on which a tumour is drawn."""


def head_of(atlas: Tissue, seed: int) -> Tissue:
    """The head of a patient: the atlas, deformed."""
    return deformed(atlas, DEFORMATION_MM, np.random.default_rng([seed, 0]))


def draw(
    atlas: Tissue, seed: int, foci: int | None = None, threads: int = 1, other_tensor: float = OTHER_TENSOR
) -> Truth:
    """
    Draw a patient.

    Parameters
    ----------
    atlas : Tissue
        On any grid; the drawing is done on 4 mm.
    seed : int
    foci : int, optional
        How many; as `FOCI` says if not given.
    threads : int
    other_tensor : float
        Probability that cells spread otherwise than fits assume.

    Raises
    ------
    InputError
        If no tumour of the volumes that were drawn is found.
    """
    rng = np.random.default_rng([seed, 1])
    number = foci or _number(rng)
    head = head_of(atlas.working_grid(DRAWING_MM), seed)
    origins = OriginSampler(head)
    for _ in range(DRAWS):
        # the same volumes as often as there is hope, or those that are easy to grow would be preferred
        volumes = _volumes(rng)
        for _ in range(TRIES):
            truth = _matched(head, _candidate(head, number, volumes, origins, other_tensor, rng), threads)
            if truth is not None:
                return truth
    raise InputError(f"synthetic cohort, seed {seed}: none of {DRAWS * TRIES} tumours has the volumes that were drawn")


def first_volumes(seed: int) -> tuple[float, float]:
    """Of core and whole tumour, ml: what `draw` tries first, and keeps as a rule."""
    rng = np.random.default_rng([seed, 1])
    _number(rng)
    return _volumes(rng)


def _number(rng: np.random.Generator) -> int:
    """How many foci."""
    return int(rng.choice(list(FOCI), p=list(FOCI.values())))


def _volumes(rng: np.random.Generator) -> tuple[float, float]:
    """Of core and whole tumour, ml."""
    while True:
        core = CORE_ML * np.exp(CORE_SPREAD * rng.standard_normal())
        share = 1 / (1 + (1 - SHARE) / SHARE * np.exp(-SHARE_SPREAD * rng.standard_normal()))
        within = CORE_RANGE[0] <= core <= CORE_RANGE[1] and SHARE_RANGE[0] <= share <= SHARE_RANGE[1]
        if within and core / share <= WHOLE_ML:
            return float(core), float(core / share)


def _candidate(
    head: Tissue,
    number: int,
    volumes: tuple[float, float],
    origins: OriginSampler,
    other_tensor: float,
    rng: np.random.Generator,
) -> Truth:
    """Foci, thresholds and physics; μ_D and μ_ρ are a first guess."""
    core, whole = _radius(np.array(volumes))
    foci = [origins.draw(rng)]
    while len(foci) < number:
        step = rng.standard_normal(3)
        far = min(rng.uniform(*APART_MM), APART_RADII * whole)
        place = foci[0] + step / np.linalg.norm(step) * far
        if np.allclose(head.nearest_tissue(place), place):
            foci.append(place)
    weights = [1.0, *(_log_uniform(rng, LATER) for _ in foci[1:])]
    axes, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    other = rng.random() < other_tensor
    while True:
        high, low = (float(rng.uniform(*THRESHOLDS[name])) for name in ("core", "whole"))
        width = (whole - core) / (_logit(high) - _logit(low)) if high > low else 0.0
        if WIDTH_MM[0] <= width <= WIDTH_MM[1]:
            break
    distance = core + 5
    return Truth(
        foci=tuple((float(x), float(y), float(z)) for x, y, z in foci),
        weights=tuple(weights),
        mu_D=float(np.sqrt(distance / 2 * width)),
        mu_rho=float(np.sqrt(distance / 2 / width)),
        ratio=_log_uniform(rng, RATIO) if other else GREY_MATTER_RATIO,
        elongation=float(rng.uniform(*ELONGATION)) if other else 1.0,
        axes=tuple(map(tuple, axes.tolist())),
        threshold_core=high,
        threshold_whole=low,
        core_ml=volumes[0],
        whole_ml=volumes[1],
    )


def _matched(head: Tissue, truth: Truth, threads: int) -> Truth | None:
    """The truth with a front that makes the two volumes, to a sixth; None if none in a head does."""
    turned = TurnedHead.of(head, truth, DRAWING_MM)
    distance, width = 2 * truth.mu_D * truth.mu_rho, truth.mu_D / truth.mu_rho
    wanted = np.array([truth.core_ml, truth.whole_ml])
    levels = truth.threshold_core, truth.threshold_whole
    gap = _logit(levels[0]) - _logit(levels[1])
    for _ in range(MATCHES):
        truth = replace(truth, mu_D=float(np.sqrt(distance / 2 * width)), mu_rho=float(np.sqrt(distance / 2 / width)))
        if not (MU_D[0] <= truth.mu_D <= MU_D[1] and MU_RHO[0] <= truth.mu_rho <= MU_RHO[1]):
            return None
        c = turned.grow(truth, threads)
        found = np.array([np.count_nonzero(c > level) for level in levels]) * DRAWING_MM**3 / 1000
        if np.all(np.abs(np.log(np.maximum(found, 1e-3) / wanted)) < 1 / 6):
            return truth if _all_seen(turned, truth, c) else None
        inner, outer = _radius(wanted) - _radius(found)
        # both outlines move with the way, and apart with the width
        width = float(np.clip(width + (outer - inner) / gap, 0.3 * width, 2 * width))
        distance = float(np.clip(distance + inner + (outer - inner) * 0.5, 0.5 * distance, 2 * distance))
    return None


def _all_seen(turned: TurnedHead, truth: Truth, c: Array) -> bool:
    """Whether every focus has its share of the visible cells."""
    if len(truth.foci) == 1:
        return True
    index = np.argwhere(c > truth.threshold_whole)
    points = grids.to_world(turned.affine, index)
    nearest = np.argmin([((points - focus) ** 2).sum(1) for focus in truth.foci], axis=0)
    cells = np.bincount(nearest, c[tuple(index.T)], len(truth.foci))
    return bool(cells.min() >= VISIBLE_SHARE * cells.sum())


def _radius(ml: Array | float) -> Array:
    """Of a ball, mm."""
    return (3000 * np.asarray(ml) / (4 * np.pi)) ** (1 / 3)


def _log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A number whose logarithm is uniform."""
    low, high = limits
    return float(low * (high / low) ** rng.random())


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))
