"""
How well a fit explains a real patient, whose density nobody knows: GliODIL's metrics (Sec. 4.5).

Undefined values are NaN – no PET, no recurrence, no core – and tables leave them out and print the smaller N.
"""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.overlap import dice
from gliofit.observation.thresholds import SCORED
from gliofit.patients.labels import EDEMA
from gliofit.patients.prepared import Prepared
from gliofit.planning.plans import pet_correlation, recurrence_coverage, recurrence_masks

STEP = 0.01
"""Of the search for the threshold that a segmentation fits best."""

DEFINITIONS = {
    "dice_core": "Dice of c ≥ θ_up and the tumour core; θ_up from a grid search, as in GliODIL's Fig. 3.",
    "dice_whole": "Dice of c ≥ θ_down and the whole tumour; θ_down likewise.",
    "dice_edema": "Dice of θ_down ≤ c < θ_up and edema, at the two thresholds above.",
    "pet_correlation": "Pearson correlation of c and FET-PET in enhancing core and edema.",
    "coverage_narrow": "Share of the recurrence's enhancing core inside the plan.",
    "coverage_broad": "Share of the whole recurrence inside the plan.",
}


def best_threshold(density: Array, mask: Array, bounds: tuple[float, float]) -> tuple[float, float]:
    """
    The threshold whose super-level set fits a mask best, on a grid of `STEP`; the lowest of equals.

    Parameters
    ----------
    density : ndarray [x, y, z]
    mask : ndarray of bool [x, y, z]
    bounds : tuple of float
        Lowest and highest threshold, both included.

    Returns
    -------
    threshold, dice : float
        Dice is NaN if the mask is empty and the density nowhere above.
    """
    thresholds = np.round(np.arange(bounds[0], bounds[1] + STEP / 2, STEP), 6)
    grid = thresholds.astype(density.dtype)
    above = density >= grid[0]
    values, inside = np.sort(density[above]), np.sort(density[above & mask])
    chosen = values.size - np.searchsorted(values, grid)
    common = inside.size - np.searchsorted(inside, grid)
    total = chosen + np.count_nonzero(mask)
    score = np.where(total > 0, 2.0 * common / np.maximum(total, 1), np.nan)
    if np.isnan(score).all():
        return float(thresholds[0]), float("nan")
    best = int(np.nanargmax(score))
    return float(thresholds[best]), float(score[best])


def data_fit(density: Array, patient: Prepared) -> dict[str, float]:
    """
    How well a density explains the scans that it was fitted to.

    Parameters
    ----------
    density : ndarray [x, y, z]
        On the scan's grid.
    patient : Prepared

    Returns
    -------
    dict
        dice_core, dice_whole, dice_edema, pet_correlation, threshold_core, threshold_whole.
    """
    up, core = best_threshold(density, patient.core, SCORED.core)
    down, whole = best_threshold(density, patient.whole, SCORED.whole)
    return {
        "dice_core": core if patient.core.any() else float("nan"),
        "dice_whole": whole,
        "dice_edema": dice((density >= down) & (density < up), patient.labels == EDEMA),
        "pet_correlation": pet_correlation(density, patient.fet, patient.labels),
        "threshold_core": up,
        "threshold_whole": down,
    }


def coverages(plan: Array, patient: Prepared) -> dict[str, float]:
    """coverage_narrow and coverage_broad of a plan [x, y, z] on the scan's grid; NaN without a recurrence."""
    narrow, broad = None, None
    if patient.recurrence is not None:
        narrow, broad = recurrence_masks(patient.recurrence)
    return {
        "coverage_narrow": recurrence_coverage(plan, narrow),
        "coverage_broad": recurrence_coverage(plan, broad),
    }
