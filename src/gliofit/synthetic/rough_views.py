"""
What scans might show of simulated tumours, made quickly: for networks that see thousands of them.

Outlines are moved as the cohort's are (`rough_outlines.displacement`), whose exact distances and random fields take
0.15 s on a crop of 64³. Here fields come from a bank, and the distance to an isodensity is taken from the density,
(logit t − logit c) / |∇ logit c|: fronts are straight in the logit, so that it is right near the outline. Besides,
satellites and lobes grow out of some outlines, and some fields of view end in the tumour.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.masks import ball_radius
from gliofit.patients.preparation import fill
from gliofit.synthetic.cohort import field_of_view
from gliofit.synthetic.cohort_truth import CORE_RANGE, SHARE, SHARE_RANGE, SHARE_SPREAD, THRESHOLDS
from gliofit.synthetic.rough_outlines import CORE, WHOLE, displacement, random_field, without_specks
from gliofit.synthetic.shards import Case

PAIRS = 16
"""Thresholds that are drawn, of which one is kept: the likelier, the likelier patients have such a share of core."""

LENGTHS_MM = np.geomspace(2.0, 20.0, 10)
"""Correlation lengths of the bank's fields: at most 12 % off what is asked for."""

FIELDS = 3
"""Fields of each length; each is shifted, turned and inverted at random."""

SATELLITES = 0.2
"""Share of the tumours that have a satellite or a lobe, …"""

SATELLITE_RADII = (0.15, 0.5)
"""… of such a radius, in those of the whole tumour, …"""

SATELLITE_AWAY = (0.1, 0.8)
"""… so far from the outline, in the same, and with a core of its own …"""

SATELLITE_CORE = 0.5
"""… in so many of them."""

FLOOR = 1e-4
"""Densities below it tell no distance."""

SHOWN, MARGIN_MM = 0.01, 10.0
"""Outlines lie within the box of the voxels above this density, and so much around."""

FLATTEST = 0.02
"""Slope of the logit (1/mm) below which there is no front."""


class RoughViews:
    """
    Rough views of samples on one grid.

    Parameters
    ----------
    shape : tuple of int
        Of the samples, voxels; equal edges.
    spacing : float
        mm.
    seed : int
        Of the bank of random fields.
    """

    def __init__(self, shape: tuple[int, ...], spacing: float, seed: int = 0):
        self.shape, self.spacing = tuple(shape), np.full(3, float(spacing))
        rng = np.random.default_rng(seed)
        self._bank = [
            [random_field(self.shape, self.spacing, length, rng).astype(np.float32) for _ in range(FIELDS)]
            for length in LENGTHS_MM
        ]

    def __call__(self, case: Case, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """
        Core and whole tumour, bool [x, y, z], and tissue [3, x, y, z] as preparation leaves it of such a patient.

        The core may be empty, as of a tumour that is faint; the whole tumour never is.
        """
        brain = case.tissue.sum(0) > 0
        box = grids.box_of(
            case.density > min(SHOWN, float(case.density.max()) / 2), round(MARGIN_MM / float(self.spacing[0]))
        )
        core, whole = np.zeros_like(brain), np.zeros_like(brain)
        core[box], whole[box] = self.outlines(case.density[box], case.tissue[0][box], brain[box], rng)
        seen = field_of_view(whole, rng)
        if (whole & seen).any():  # a few voxels cannot be cut
            core, whole, brain = core & seen, whole & seen, brain & seen
        return core, whole, np.stack(fill(list(case.tissue), brain, whole, core))

    def outlines(self, density: Array, wm: Array, brain: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Rough core and whole tumour, bool [x, y, z], of a density; the whole tumour is never empty."""
        levels = self.thresholds(density, rng)
        logit, slope = _steepness(density, brain, self.spacing)
        distances, moves, radius = [], [], 0.0
        for level, roughness in zip(levels, (CORE, WHOLE), strict=True):
            radius = max(ball_radius(density > level, self.spacing), 1.0)
            distances.append((np.log(level / (1 - level)) - logit) / slope)
            moves.append(displacement(radius, wm, self.spacing, roughness, rng, self._field))
        if rng.random() < SATELLITES:
            self._grow_satellite(distances, moves, radius, brain, rng)
        core, whole = (
            without_specks((distance < moved) & brain, self.spacing)
            for distance, moved in zip(distances, moves, strict=True)
        )
        whole |= core
        return core, whole if whole.any() else density >= min(levels[1], 0.9 * float(density.max()))

    def thresholds(self, density: Array, rng: np.random.Generator) -> tuple[float, float]:
        """Of core and whole tumour: those of a density [x, y, z] that make shares of core as patients have them."""
        drawn = np.stack([rng.uniform(*THRESHOLDS[name], PAIRS) for name in ("core", "whole")], 1)
        drawn = np.sort(drawn, 1)[:, ::-1]
        levels = np.sort(density[density > THRESHOLDS["whole"][0]])
        volumes = (levels.size - np.searchsorted(levels, drawn)) * self.spacing.prod() / 1000
        core, share = volumes[:, 0], volumes[:, 0] / np.maximum(volumes[:, 1], 1e-9)
        within = (core >= CORE_RANGE[0]) & (core <= CORE_RANGE[1])
        within &= (share >= SHARE_RANGE[0]) & (share <= SHARE_RANGE[1])
        if not within.any():
            return float(drawn[0, 0]), float(drawn[0, 1])
        odds = np.log(share[within] / (1 - share[within]) * (1 - SHARE) / SHARE) / SHARE_SPREAD
        weights = np.exp(-(odds**2) / 2)
        top, foot = drawn[within][rng.choice(weights.size, p=weights / weights.sum())].tolist()
        return top, foot

    def _field(self, shape: tuple, spacing: Array, length: float, rng: np.random.Generator) -> Array:
        """As `random_field`, from the bank."""
        near = int(np.abs(np.log(LENGTHS_MM / length)).argmin())
        field = self._bank[near][rng.integers(FIELDS)]
        field = np.roll(field, rng.integers(0, self.shape).tolist(), (0, 1, 2)).transpose(rng.permutation(3))
        return field[tuple(slice(0, n) for n in shape)] * rng.choice([-1, 1])

    def _grow_satellite(
        self, distances: list[Array], moves: list[Array], radius: float, brain: Array, rng: np.random.Generator
    ) -> None:
        """Let the outlines reach out to a place beyond: near it that is a lobe, farther off a piece of its own."""
        low, high = (radius * away for away in SATELLITE_AWAY)
        places = np.flatnonzero((distances[1] > low) & (distances[1] < high) & brain)
        if not places.size:
            return
        place = np.unravel_index(rng.choice(places), brain.shape)
        size = max(radius * rng.uniform(*SATELLITE_RADII), 2 * float(self.spacing[0]))
        own_core = rng.random() < SATELLITE_CORE
        axes = np.ogrid[tuple(slice(0, n) for n in brain.shape)]
        far = sum(((a - p) * h) ** 2 for a, p, h in zip(axes, place, self.spacing, strict=True))
        for distance, moved, share in zip(distances, moves, (0.5, 1.0), strict=True):
            if share == 1 or own_core:
                reach = float(distance[place]) + share * size
                moved += reach * np.exp(-far / (2 * (share * size) ** 2))


def _steepness(density: Array, brain: Array, spacing: Array) -> tuple[Array, Array]:
    """
    The logit [x, y, z] of a density, and the length of its gradient (1/mm).

    Both of means over three voxels within the brain: folds of the cortex would make outlines too ragged.
    """
    c = np.clip(density, FLOOR, 1 - FLOOR)
    inside = brain.astype(np.float32)
    logit = ndimage.uniform_filter(np.log(c / (1 - c)) * inside, 3)
    logit /= np.maximum(ndimage.uniform_filter(inside, 3), 1 / 27)
    square = sum(step**2 for step in np.gradient(logit, *spacing.tolist()))
    return logit, np.sqrt(square).clip(min=FLATTEST)
