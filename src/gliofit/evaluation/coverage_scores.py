"""
Coverage of a recurrence by a way of planning: over plans of several volumes, and what is missed by how far.

Undefined values are NaN: a patient without a recurrence, or whose recurrence has no enhancing core, is left out of
means and counted. Dose is constrained by leaving organs at risk out of all plans (`exclude`): volumes are of what is
left.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.patients.prepared import Prepared
from gliofit.planning.coverage import AREA_MM, CURVE_MM, area_under_coverage, covered, curve_volumes, misses
from gliofit.planning.plans import MARGIN_MM, recurrence_masks

CURVE = tuple(f"coverage_broad_{margin:g}" for margin in CURVE_MM)
"""Scores that make the coverage curve."""

DEFINITIONS = {
    "coverage_PART": f"Share of the recurrence in a plan of the volume of the standard plan with {MARGIN_MM:g} mm; "
    "PART is narrow (enhancing core) or broad (all of it).",
    "coverage_PART_M": "The same at the volume of the standard plan with a margin of M mm.",
    "area_PART": f"Mean coverage over all volumes up to that of the standard plan with {AREA_MM:g} mm.",
    "missed_voxels, missed_ml": "What of the whole recurrence the first plan misses.",
    "miss_mean_mm, miss_p95_mm": "Distance of what is missed from the plan (voxel centres, straight), mean and 95th "
    "percentile; undefined if nothing is.",
    "miss_farthest_mm": "Largest distance of a voxel of the recurrence from the plan; 0 if nothing is missed.",
}


def standard_target(patient: Prepared) -> tuple[Array, Array]:
    """What the standard plan's margin is around – core, or whole tumour, and cavity –, and distances from it, mm."""
    target = (patient.core if patient.core.any() else patient.whole) | patient.cavity
    return target, ndimage.distance_transform_edt(~target, sampling=patient.tissue.spacing)


def ordered_scores(ranks: Array, patient: Prepared, exclude: Array | None = None) -> dict[str, float]:
    """
    Scores of a way of planning, given by the order in which it takes voxels.

    Parameters
    ----------
    ranks : ndarray of int [x, y, z]
        See `gliofit.planning.coverage`; of the same `exclude`.
    patient : Prepared
    exclude : ndarray of bool [x, y, z], optional
        Organs at risk, which no plan has.

    Returns
    -------
    dict
        Of `DEFINITIONS`.
    """
    spacing = patient.tissue.spacing
    target, _ = standard_target(patient)
    volumes = curve_volumes(target, patient.brain, spacing, exclude, (*CURVE_MM, AREA_MM, MARGIN_MM))
    *curve, most, usual = volumes
    parts: tuple[Array | None, Array | None] = (None, None)
    if patient.recurrence is not None:
        parts = recurrence_masks(patient.recurrence)
    scores: dict[str, float] = {}
    for name, recurrence in zip(("narrow", "broad"), parts, strict=True):
        scores[f"coverage_{name}"] = float(covered(ranks, recurrence, [usual])[0])
        shares = covered(ranks, recurrence, curve)
        scores |= {f"coverage_{name}_{m:g}": float(s) for m, s in zip(CURVE_MM, shares, strict=True)}
        scores[f"area_{name}"] = area_under_coverage(ranks, recurrence, most)
    plan = (ranks > 0) & (ranks <= usual)
    return scores | misses(plan, parts[1], spacing).to_dict() | {"plan_voxels": float(np.count_nonzero(plan))}
