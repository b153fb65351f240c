"""
Recurrences of GliODIL's synthetic patients: the truth grown on after the scan, so that coverage has a truth.

The tumour core is taken out, as in surgery, few of the other cells survive, and what is left grows until it shows. A
recurrence that grows as the fit's own model does would flatter the fit, so two kinds of three do not: cells that spread
otherwise than before (faster, and nearly as well in grey matter), and a second focus that no scan has shown. That a
plan changes where cells survive, and that tissue shifts, is left out, as in GliODIL's own comparison of plans.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofit.anatomy.geodesic import tissue_distance
from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth import simulate
from gliofit.growth.seed import initial_density
from gliofit.growth.theta import Theta
from gliofit.patients.labels import CAVITY, EDEMA, ENHANCING, parts
from gliofit.synthetic.brats_like_patient import segment

KINDS = ("model", "diffusion", "second_focus")
"""What grows on: the truth's own growth; other diffusion; the truth's growth and one more seed."""

OTHER = {"diffusivity": (2.0, 4.0), "growth_rate": (0.6, 1.0), "ratio": (1.2, 3.0)}
"""Of `diffusion`: factors of D_w and ρ, and R = D_w/D_g, uniform."""

SURVIVAL = (1e-3, 1e-2)
"""Share of the cells outside the core that outlive treatment, everywhere alike; uniform in its logarithm."""

AWAY_MM = (12.0, 35.0)
"""How far along tissue from the tumour's core a second focus lies."""

ENHANCING_ML = (3.0, 12.0)
"""Enhancing volume at which a recurrence is seen, uniform (TUM's cohort: 6.0 ml on average; GliODIL, Sec. 4.7)."""

STEP_DAYS, LONGEST_DAYS = 10.0, 400.0


@dataclass(frozen=True)
class Recurrence:
    """
    A recurrence.

    Parameters
    ----------
    labels : ndarray of uint8 [x, y, z]
        1 necrotic, 2 edema, 3 enhancing, 4 the cavity; the cavity is where the core was and nothing has come back.
    kind : str
    days : float
        After the scan.
    enhancing_ml : float
    """

    labels: Array
    kind: str
    days: float
    enhancing_ml: float

    def about(self) -> dict[str, str | float]:
        """All but the labels, for JSON."""
        return {"kind": self.kind, "days": self.days, "enhancing_ml": round(self.enhancing_ml, 3)}


def kind_of(index: int) -> str:
    """Kinds take turns, so that any number of patients has two of three that do not grow as the fit's model does."""
    return KINDS[index % len(KINDS)]


def grow_back(
    density: Array,
    labels: Array,
    tissue: Tissue,
    growth: tuple[float, float, float],
    thresholds: tuple[float, float, float],
    kind: str,
    rng: np.random.Generator,
    threads: int = 1,
) -> Recurrence:
    """
    Let a tumour come back.

    Parameters
    ----------
    density : ndarray [x, y, z]
        At the scan.
    labels : ndarray [x, y, z]
        Of the scan; the core is taken out.
    tissue : Tissue
    growth : tuple of float
        D_w (mm²/day), ρ (1/day) and R.
    thresholds : tuple of float
        Density at which edema, enhancing and necrotic core begin.
    kind : str
        Of `KINDS`.
    rng : numpy Generator
    threads : int

    Returns
    -------
    Recurrence
        At the drawn volume, or after `LONGEST_DAYS` if it is not reached.
    """
    diffusivity, rate, ratio = growth
    core, _ = parts(labels)
    sought = float(rng.uniform(*ENHANCING_ML))
    c = (np.where(core, 0, density) * np.exp(rng.uniform(*np.log(SURVIVAL)))).astype(np.float32)
    wm, gm, csf = (np.where(core, 0, m).astype(np.float32) for m in (tissue.wm, tissue.gm, tissue.csf))
    left = Tissue(wm, gm, csf, tissue.affine)
    if kind == "diffusion":
        factors = {name: float(rng.uniform(*limits)) for name, limits in OTHER.items()}
        diffusivity, rate, ratio = diffusivity * factors["diffusivity"], rate * factors["growth_rate"], factors["ratio"]
    if kind == "second_focus":
        c = np.maximum(c, _seed(core, left, rng))
    start = tissue.nearest_tissue(tissue.centre_of_mass(core.astype(np.float32)))
    theta = Theta.from_physical(start, diffusivity, rate, STEP_DAYS)
    voxel, days = float(np.prod(tissue.spacing)) / 1000, 0.0
    while True:
        days += STEP_DAYS
        c = simulate(left, theta, ratio=ratio, initial=c, threads=threads)
        seen = segment(c, thresholds)
        volume = float(np.count_nonzero(seen == ENHANCING)) * voxel
        if volume >= sought or days >= LONGEST_DAYS:
            break
    found = np.where(core & (seen < EDEMA), np.uint8(CAVITY), seen).astype(np.uint8)
    return Recurrence(found, kind, days, volume)


def _seed(core: Array, tissue: Tissue, rng: np.random.Generator) -> Array:
    """A further seed [x, y, z] at a place in white matter that cells could have come to; none without such a place."""
    out = np.zeros(core.shape, np.float32)
    away = tissue_distance(core, tissue, AWAY_MM[1])
    places = np.argwhere(tissue.mask & (away >= AWAY_MM[0]) & (away <= AWAY_MM[1]) & (tissue.wm > 0.5))
    if not len(places):
        return out
    corner, seed, _ = initial_density(tissue, tuple(tissue.to_world(places[rng.integers(len(places))])))
    out[tuple(slice(c, c + n) for c, n in zip(corner, seed.shape, strict=True))] += seed
    return out
