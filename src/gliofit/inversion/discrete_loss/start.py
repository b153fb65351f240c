"""The initial guess: a tumour grown by the solver until it looks most like the scan (GliODIL, Sec. 4.8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth import simulate
from gliofit.growth.theta import Theta
from gliofit.inversion.discrete_loss.domain import Domain
from gliofit.inversion.discrete_loss.loss import DAYS
from gliofit.observation.thresholds import GLIODIL_START

GROWTH = 0.12
"""ρ_ch, 1/day."""

DIFFUSIVITY = (0.1, 5.0)
"""D_ch = V_edema/V_core, mm²/day, is kept in this range."""

LONGEST = 400.0
"""Days after which the run ends even if the overlap still grows."""

LARGEST = 3.0
"""Volumes of the visible tumour at which it ends."""


@dataclass(frozen=True, eq=False)
class Guess:
    """
    Where the optimisation starts.

    Parameters
    ----------
    field : ndarray [t, x, y, z]
        Density from t = 0 to `DAYS`.
    origin : ndarray (3,)
        mm, in world space.
    diffusivity, growth : float
        D_w in mm²/day and ρ in 1/day, for growth over `DAYS`.
    score : float
        Dice of core and edema, weighted by their volumes.
    """

    field: Array
    origin: Array
    diffusivity: float
    growth: float
    score: float


def overlap(c: Array, core: Array, whole: Array, thresholds: tuple[float, float] = GLIODIL_START) -> float:
    """Dice of core and of edema, averaged with their volumes as weights; fractions [x, y, z] count as such."""
    up, down = (c > t for t in thresholds)
    total, score = 0.0, 0.0
    for seen, labelled in ((up, core), (down & ~up, np.clip(whole - core, 0, 1))):
        volume = float(labelled.sum())
        both = float((seen * labelled).sum())
        score += volume * 2 * both / max(volume + float(seen.sum()), 1e-9)
        total += volume
    return score / max(total, 1e-9)


def first_guess(
    domain: Domain, times: int, threads: int = 1, scatter: float = 0.0, rng: np.random.Generator | None = None
) -> Guess:
    """
    Grow from the core's centre with D_ch = V_edema/V_core and ρ_ch, and stop where the overlap is largest.

    Without a core it grows from the whole tumour's centre with D_ch = 1 mm²/day, as if core and edema were of one size.

    Parameters
    ----------
    domain : Domain
    times : int
        Points of time of the field.
    threads : int
    scatter : float
        D_ch, ρ_ch and each coordinate of the origin, from the box's corner, are off by a uniform share up to this
        (GliODIL, Sec. 4.8: 0.2), to see what the start does.
    rng : numpy Generator, optional
        For `scatter`.
    """
    tissue, observed = domain.tissue, domain.observed
    seen = observed.core if observed.core.any() else observed.whole
    origin = tissue.nearest_tissue(tissue.centre_of_mass(seen))
    core, edema = float(observed.core.sum()), float(np.clip(observed.whole - observed.core, 0, 1).sum())
    diffusivity = float(np.clip(edema / core, *DIFFUSIVITY)) if observed.has_core and core > 0 else 1.0
    growth = GROWTH
    if scatter:
        off = 1 + (rng or np.random.default_rng(0)).uniform(-scatter, scatter, 5)
        diffusivity, growth = diffusivity * off[0], growth * off[1]
        origin = tissue.nearest_tissue(tissue.to_world((tissue.to_voxel(origin) + 0.5) * off[2:] - 0.5))
    thresholds = GLIODIL_START if observed.has_core else (np.inf, GLIODIL_START.whole)

    def grown(days: float) -> Array:
        theta = Theta.from_physical(origin, diffusivity, growth, days)
        return simulate(tissue, theta, threads=threads)

    best, best_days, days = -1.0, 0.0, 4.0
    most = LARGEST * float(observed.whole.sum())
    while days <= LONGEST:
        c = grown(days)
        score = overlap(c, observed.core, observed.whole, thresholds)
        if score > best:
            best, best_days = score, days
        if np.count_nonzero(c > GLIODIL_START.whole) > most:
            break  # not before: while a seed still fades, the overlap may fall for a time
        days *= 1.05
    moments = best_days * np.linspace(0, 1, times)
    # at t = 0 the solver's steps have no length: what it returns is the seed
    field = np.stack([grown(max(t, 1e-6)) for t in moments])
    scale = best_days / DAYS
    return Guess(field, origin, diffusivity * scale, growth * scale, best)
