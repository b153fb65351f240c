"""
Radiotherapy plans – what is irradiated – and how much of a later recurrence they cover (GliODIL, Sec. 4.5).

A plan is a mask. The standard one takes a margin around the tumour core; a density's plan takes as many voxels where it
is highest, so that the two differ in place and not in volume.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from gliofit.anatomy.geodesic import tissue_distance
from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.patients.labels import EDEMA, ENHANCING, NECROTIC, pet_region

MARGIN_MM = 15.0
"""Of the clinical target volume around the tumour core (ESTRO–EANO guideline; GliODIL, Sec. 4.7)."""

DECIDES = 1e-4
"""Part of the mean density in a rank of probabilities: less than one sample of a thousand is worth."""


def standard_plan(
    core: Array, brain: Array, spacing: ArrayLike, margin_mm: float = MARGIN_MM, exclude: Array | None = None
) -> Array:
    """
    The standard plan: all of the brain within a margin of the tumour core.

    Parameters
    ----------
    core : ndarray of bool [x, y, z]
        Enhancing and necrotic core.
    brain : ndarray of bool [x, y, z]
    spacing : array_like (3,)
        Voxel edges in mm; distances are Euclidean between voxel centres.
    margin_mm : float
        The margin itself counts as inside.
    exclude : ndarray of bool [x, y, z], optional
        Brain that is left out, such as CSF.

    Returns
    -------
    ndarray of bool [x, y, z]

    Raises
    ------
    InputError
        If there is no core, or the margin is negative.
    """
    core = np.asarray(core, bool)
    if not core.any():
        raise InputError("the tumour core is empty: there is nothing to take a margin around")
    if not margin_mm >= 0:
        raise InputError(f"a margin of {margin_mm} mm must not be negative")
    spacing = np.asarray(spacing, float)
    reach = np.ceil(margin_mm / spacing).astype(int)
    filled = [np.flatnonzero(core.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    box = tuple(slice(max(f[0] - r, 0), f[-1] + r + 1) for f, r in zip(filled, reach, strict=True))
    plan = np.zeros(core.shape, bool)
    plan[box] = ndimage.distance_transform_edt(~core[box], sampling=spacing) <= margin_mm
    return plan & allowed_voxels(brain, exclude)


def geodesic_plan(
    core: Array, tissue: Tissue, brain: Array, margin_mm: float = MARGIN_MM, exclude: Array | None = None
) -> Array:
    """
    All of the brain that a way through tissue of at most a margin leads to: what a planner draws who knows anatomy.

    Parameters
    ----------
    core : ndarray of bool [x, y, z]
    tissue : Tissue
    brain, margin_mm, exclude
        As in `standard_plan`; the way is that of `gliofit.anatomy.geodesic`.
    """
    return (tissue_distance(core, tissue, margin_mm) <= margin_mm) & allowed_voxels(brain, exclude)


def model_plan(
    density: Array,
    voxels: int,
    brain: Array,
    exclude: Array | None = None,
    spacing: ArrayLike = (1.0, 1.0, 1.0),
    fill: bool = False,
) -> Array:
    """
    The plan of a density: the voxels where it is highest; of equal ones, those that come first in the array.

    Parameters
    ----------
    density : ndarray [x, y, z]
    voxels : int
        Volume of the plan, as a rule that of the standard plan.
    brain, exclude
        As in `standard_plan`.
    spacing : array_like (3,)
        mm; for `fill` alone.
    fill : bool
        Where the density is positive in too few voxels, go on with those nearest to them, as a margin would; without
        any, the plan is empty.

    Returns
    -------
    ndarray of bool [x, y, z]

    Raises
    ------
    InputError
        Without `fill`, if the density is positive in fewer voxels than are asked for.
    """
    allowed = allowed_voxels(brain, exclude)
    rank = np.where(allowed, density, 0)
    positive = int(np.count_nonzero(rank > 0))
    if positive >= voxels:
        return _highest(rank, voxels)
    if not fill:
        raise InputError(f"the density is positive in {positive} voxels, fewer than the plan's {voxels}")
    chosen = rank > 0
    if not positive:
        return chosen
    away = ndimage.distance_transform_edt(~chosen, sampling=spacing)
    rest = np.where(allowed & ~chosen, 1 / np.maximum(away, 1e-6), 0)
    return chosen | _highest(rest, min(voxels, int(allowed.sum())) - positive)


def probability_plan(
    above: Array,
    mean: Array,
    voxels: int,
    brain: Array,
    exclude: Array | None = None,
    spacing: ArrayLike = (1.0, 1.0, 1.0),
) -> Array:
    """
    The plan of a posterior: the voxels that are most probably infiltrated.

    Parameters
    ----------
    above : ndarray [x, y, z]
        Probability that the density exceeds a threshold, as a share of some hundred samples. Many voxels share a value.
    mean : ndarray [x, y, z]
        The samples' mean density. It decides between equal probabilities.
    voxels, brain, exclude, spacing
        As in `model_plan`, whose `fill` holds here.

    Returns
    -------
    ndarray of bool [x, y, z]
    """
    rank = np.asarray(above, float) + DECIDES * np.asarray(mean, float)
    return model_plan(rank, voxels, brain, exclude, spacing, fill=True)


def hangs_on(plan: Array, density: Array, without: Array) -> Array:
    """
    What of a density's plan would be left out if some of the cells were not there.

    Parameters
    ----------
    plan : ndarray of bool [x, y, z]
        `model_plan` of the density.
    density, without : ndarray [x, y, z]
        With and without those cells.

    Returns
    -------
    ndarray of bool [x, y, z]
        Where the density would be below the lowest in the plan without them.
    """
    inside = density[plan]
    return plan & (without < (inside.min() if inside.size else 0))


def allowed_voxels(brain: Array, exclude: Array | None) -> Array:
    """The brain without what is excluded, bool [x, y, z]: where plans may go."""
    brain = np.asarray(brain, bool)
    return brain if exclude is None else brain & ~np.asarray(exclude, bool)


def _highest(rank: Array, number: int) -> Array:
    """Mask of the `number` highest values."""
    if number <= 0:
        return np.zeros(rank.shape, bool)
    flat = rank.ravel()
    last = np.partition(flat, flat.size - number)[flat.size - number]
    chosen = flat > last
    ties = np.flatnonzero(flat == last)
    chosen[ties[: number - int(chosen.sum())]] = True
    return chosen.reshape(rank.shape)


def recurrence_masks(recurrence: Array) -> tuple[Array | None, Array]:
    """
    Where the tumour came back, by GliODIL's two definitions.

    Parameters
    ----------
    recurrence : ndarray [x, y, z]
        Segmentation of the follow-up scan in the space of the first: 1 necrotic, 2 edema, 3 enhancing.

    Returns
    -------
    narrow : ndarray of bool [x, y, z] or None
        Enhancing core; None if there is none, as in a mask that does not tell parts apart.
    broad : ndarray of bool [x, y, z]
        All of it.
    """
    narrow = np.asarray(recurrence) == ENHANCING
    return narrow if narrow.any() else None, np.isin(recurrence, (NECROTIC, EDEMA, ENHANCING))


def recurrence_coverage(plan: Array, recurrence: Array | None) -> float:
    """
    Share of the recurrence inside the plan.

    Parameters
    ----------
    plan : ndarray of bool [x, y, z]
    recurrence : ndarray of bool [x, y, z] or None

    Returns
    -------
    float
        In [0, 1]; NaN, undefined, without a recurrence.
    """
    if recurrence is None or not np.any(recurrence):
        return float("nan")
    return float(np.count_nonzero(plan & recurrence) / np.count_nonzero(recurrence))


def pet_correlation(density: Array, pet: Array | None, labels: Array) -> float:
    """
    Pearson correlation of density and FET-PET in enhancing core and edema (GliODIL, Sec. 4.5).

    Parameters
    ----------
    density, pet : ndarray [x, y, z]
        The PET in any unit; None for a patient without.
    labels : ndarray [x, y, z]
        1 necrotic core, 2 edema, 3 enhancing core.

    Returns
    -------
    float
        NaN, undefined, without PET or if either is constant there.
    """
    region = None if pet is None else pet_region(pet, labels)
    if region is None or np.count_nonzero(region) < 2:
        return float("nan")
    c, p = (np.asarray(a)[region].astype(np.float64) for a in (density, pet))
    c, p = c - c.mean(), p - p.mean()
    spread = np.sqrt((c @ c) * (p @ p))
    return float(c @ p / spread) if spread > 0 else float("nan")
