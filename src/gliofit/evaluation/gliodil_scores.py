"""How near a fit comes to the truth of GliODIL's synthetic patients, and what its plan misses (GliODIL, Figs. 2, 3)."""

from __future__ import annotations

import numpy as np

from gliofit.anatomy.geodesic import tissue_distance
from gliofit.base.arrays import Array
from gliofit.base.overlap import dice
from gliofit.evaluation.coverage_scores import ordered_scores, standard_target
from gliofit.evaluation.patient_scores import data_fit
from gliofit.patients.labels import EDEMA
from gliofit.patients.prepared import Prepared
from gliofit.planning.coverage import curve_volumes, density_ranks, distance_ranks
from gliofit.planning.plans import MARGIN_MM, model_plan, standard_plan

MARGINS_MM = (15.0, 5.0)
"""Of the standard plans whose volume plans get: the paper's, which covers nearly all cells, and one that tells more."""

LOW = 0.1
"""Density at which GliODIL compares what no scan shows."""

DEFINITIONS = {
    "rmse": "Root mean squared error of c over tissue within 15 mm of the tumour core.",
    "rmse_core": "The same within the tumour core.",
    "rmse_edema": "The same within edema.",
    "rmse_hidden": "The same outside the visible tumour.",
    "dice_low": f"Dice of ĉ ≥ {LOW} and c ≥ {LOW}.",
    "missed_M": "Share of the cells outside the visible tumour that lie outside a plan of the volume of the standard "
    "plan with a margin of M mm.",
    "better_M": "Share of patients of whom the plan misses less than the standard plan does (ties count half).",
}


def errors(density: Array, truth: Array, patient: Prepared) -> dict[str, float]:
    """
    Errors of a density by where they are; see `DEFINITIONS`.

    Parameters
    ----------
    density, truth : ndarray [x, y, z]
        On the patient's grid.
    patient : Prepared
    """
    near = standard_plan(patient.core, patient.tissue.mask, patient.tissue.spacing, MARGIN_MM)
    parts = {"rmse": near, "rmse_core": near & patient.core, "rmse_edema": near & (patient.labels == EDEMA)}
    parts["rmse_hidden"] = near & ~patient.whole
    square = np.square(density.astype(np.float64) - truth)
    found = {name: float(np.sqrt(square[part].mean())) if part.any() else np.nan for name, part in parts.items()}
    return found | {"dice_low": dice(density >= LOW, truth >= LOW)}


def missed(plan: Array, truth: Array, patient: Prepared) -> float:
    """Share of the true cells outside the visible tumour that a plan misses; NaN if all are visible."""
    hidden = np.where(patient.whole, 0, truth).astype(np.float64)
    total = hidden.sum()
    return float(hidden[~plan].sum() / total) if total > 0 else float("nan")


def margin_scores(truth: Array, patient: Prepared, along_tissue: bool = False) -> dict[str, float]:
    """
    What plans by a margin miss, straight or along tissue, at equal volumes: missed_M, and coverage of the recurrence.

    Parameters
    ----------
    truth : ndarray [x, y, z]
        On the patient's grid.
    patient : Prepared
    along_tissue : bool
        The margin is the shortest way through tissue (`gliofit.anatomy.geodesic`); otherwise it is the standard plan's.
    """
    target, straight = standard_target(patient)
    distance = tissue_distance(target, patient.tissue) if along_tissue else straight
    ranks = distance_ranks(distance, patient.brain)
    volumes = curve_volumes(patient.core, patient.brain, patient.tissue.spacing, margins=MARGINS_MM)
    lost = {
        f"missed_{m:g}": missed((ranks > 0) & (ranks <= volume), truth, patient)
        for m, volume in zip(MARGINS_MM, volumes, strict=True)
    }
    return lost | ordered_scores(ranks, patient)


def fit_scores(density: Array, truth: Array, patient: Prepared) -> dict[str, float]:
    """
    All scores of a fit.

    Parameters
    ----------
    density, truth : ndarray [x, y, z]
        On the patient's grid.
    patient : Prepared

    Returns
    -------
    dict
        Of `DEFINITIONS`, of `gliofit.evaluation.patient_scores.data_fit`, and of `coverage_scores`.
    """
    scores = {**errors(density, truth, patient), **data_fit(density, patient)}
    scores |= ordered_scores(density_ranks(density, patient.brain, patient.tissue.spacing), patient)
    for m in MARGINS_MM:
        standard = standard_plan(patient.core, patient.brain, patient.tissue.spacing, m)
        plan = model_plan(density, int(standard.sum()), patient.brain, spacing=patient.tissue.spacing, fill=True)
        ours, theirs = missed(plan, truth, patient), missed(standard, truth, patient)
        scores[f"missed_{m:g}"] = ours
        scores[f"better_{m:g}"] = float(np.nan if np.isnan(ours) else (ours < theirs) + (ours == theirs) / 2)
    return scores
