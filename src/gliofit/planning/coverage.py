"""
How much of a recurrence plans of a growing volume cover, and what they miss by how far.

One plan of one volume says little: at 15 mm most plans cover all of most recurrences. A way of planning – a density, a
margin – orders the brain's voxels; its plan of any volume is the first so many of them. `density_ranks` and
`distance_ranks` are such orders, and coverage is a curve over volumes.

Distances are of voxel centres, in mm, straight through whatever lies between: from a voxel of the recurrence to the
nearest voxel of the plan, 0 for one inside it. Surfaces are not taken, and nothing is pooled over both directions, so
that a false island of a plan changes nothing, and a recurrence that is missed as a whole is as far as it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.planning.plans import MARGIN_MM, standard_plan

CURVE_MM = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0)
"""Margins of the standard plans whose volumes coverage is given for."""

AREA_MM = 2 * MARGIN_MM
"""Margin of the standard plan whose volume the area under the curve ends at."""


def density_ranks(density: Array, allowed: Array, spacing: ArrayLike) -> Array:
    """
    Place of every voxel in the order in which a density's plan takes them.

    The densest come first; then, without any density, those nearest to it (mm, Euclidean); of equal voxels, those that
    come first in the array. The first n of them are `model_plan(density, n, …, fill=True)`.

    Parameters
    ----------
    density : ndarray [x, y, z]
    allowed : ndarray of bool [x, y, z]
        The brain, less what no plan may have.
    spacing : array_like (3,)
        mm.

    Returns
    -------
    ndarray of int32 [x, y, z]
        From 1; 0 where nothing is allowed.
    """
    allowed = np.asarray(allowed, bool)
    cells = allowed & (density > 0)
    away = np.zeros(allowed.shape)
    if cells.any():
        away = ndimage.distance_transform_edt(~cells, sampling=np.asarray(spacing, float))
    return _ranks((away[allowed], -np.where(cells, density, 0)[allowed]), allowed)


def distance_ranks(distance: Array, allowed: Array) -> Array:
    """
    The same for plans that take the nearest voxels first: a margin.

    Parameters
    ----------
    distance : ndarray [x, y, z]
        From the tumour, mm; infinite where there is no way.
    allowed : ndarray of bool [x, y, z]
    """
    allowed = np.asarray(allowed, bool)
    return _ranks((distance[allowed],), allowed)


def _ranks(keys: tuple[Array, ...], allowed: Array) -> Array:
    """Ranks by the last key, ties by those before it and by place in the array."""
    order = np.lexsort(keys)
    ranks = np.zeros(allowed.shape, np.int32)
    values = np.empty(order.size, np.int32)
    values[order] = np.arange(1, order.size + 1)
    ranks[allowed] = values
    return ranks


def curve_volumes(
    core: Array, brain: Array, spacing: ArrayLike, exclude: Array | None = None, margins: Sequence[float] = CURVE_MM
) -> list[int]:
    """
    Volumes (voxels) of the standard plans with some margins.

    Parameters
    ----------
    core, brain, spacing
        As for `plans.standard_plan`.
    exclude : ndarray of bool [x, y, z], optional
        Brain that is left out, such as organs at risk.
    margins : sequence of float
        mm.
    """
    return [int(standard_plan(core, brain, spacing, margin, exclude).sum()) for margin in margins]


def covered(ranks: Array, recurrence: Array | None, volumes: ArrayLike) -> Array:
    """
    Coverage by the plans of some volumes.

    Parameters
    ----------
    ranks : ndarray of int [x, y, z]
    recurrence : ndarray of bool [x, y, z] or None
        All of it counts, what no plan may have included.
    volumes : array_like (n,)
        In voxels.

    Returns
    -------
    ndarray (n,)
        NaN, undefined, without a recurrence.
    """
    volumes = np.asarray(volumes)
    if recurrence is None or not np.any(recurrence):
        return np.full(volumes.shape, np.nan)
    places = np.sort(_places(ranks, recurrence))
    return np.searchsorted(places, volumes, side="right") / places.size


def area_under_coverage(ranks: Array, recurrence: Array | None, most: int) -> float:
    """
    Mean coverage over all plans of 1 to `most` voxels: the area under the curve.

    A plan that takes the whole recurrence before all else has 1 − (n − 1)/(2·most) for n voxels of recurrence.

    Parameters
    ----------
    ranks : ndarray of int [x, y, z]
        Of `density_ranks` or `distance_ranks`.
    recurrence : ndarray of bool [x, y, z] or None
    most : int

    Returns
    -------
    float
        In [0, 1]; NaN, undefined, without a recurrence.
    """
    if recurrence is None or not np.any(recurrence) or most <= 0:
        return float("nan")
    return float(np.clip((most + 1 - _places(ranks, recurrence)) / most, 0, None).mean())


def _places(ranks: Array, recurrence: Array) -> Array:
    """Ranks of the recurrence's voxels; beyond all volumes where no plan may go."""
    places = ranks[np.asarray(recurrence, bool)].astype(np.int64)
    return np.where(places > 0, places, np.iinfo(np.int64).max // 2)


@dataclass(frozen=True)
class Misses:
    """
    What of a recurrence a plan misses.

    Parameters
    ----------
    missed_voxels : float
    missed_ml : float
    miss_mean_mm, miss_p95_mm : float
        Distance of the missed voxels from the plan, mean and 95th percentile; NaN if none is missed.
    miss_farthest_mm : float
        Largest distance of any voxel of the recurrence: by so much the plan would have to grow. 0 if none is missed.
    """

    missed_voxels: float
    missed_ml: float
    miss_mean_mm: float
    miss_p95_mm: float
    miss_farthest_mm: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def misses(plan: Array, recurrence: Array | None, spacing: ArrayLike) -> Misses:
    """
    What a plan misses; all NaN, undefined, without a recurrence, and infinitely far from an empty plan.

    Parameters
    ----------
    plan : ndarray of bool [x, y, z]
    recurrence : ndarray of bool [x, y, z] or None
    spacing : array_like (3,)
        mm.
    """
    nan = float("nan")
    if recurrence is None or not np.any(recurrence):
        return Misses(nan, nan, nan, nan, nan)
    spacing = np.asarray(spacing, float)
    missed = np.asarray(recurrence, bool) & ~np.asarray(plan, bool)
    number = int(missed.sum())
    millilitres = number * float(np.prod(spacing)) / 1000
    if not number:
        return Misses(0.0, 0.0, nan, nan, 0.0)
    if not np.any(plan):
        return Misses(float(number), millilitres, *[float("inf")] * 3)
    away = ndimage.distance_transform_edt(~np.asarray(plan, bool), sampling=spacing)[missed]
    return Misses(float(number), millilitres, float(away.mean()), float(np.percentile(away, 95)), float(away.max()))
