"""How well a fit does on the cohort without patients: outlines, what no scan shows, how many foci, and failures."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.evaluation.patient_scores import data_fit
from gliofit.patients.prepared import Prepared

UNSEEN_MM = 20.0
FAILED = 0.4
APART_MM = 20.0

DEFINITIONS = {
    "rmse_unseen": f"Root mean squared error of c over tissue within {UNSEEN_MM:g} mm of the whole tumour, outside it.",
    "failed": f"1 if the mean of 1 − core Dice and 1 − whole Dice is above {FAILED}, else 0.",
    "one_found": "Of tumours that grew from one focus: 1 if one was found, else 0.",
    "several_found": f"Of tumours whose foci lie more than {APART_MM:g} mm apart: 1 if as many were found, else 0.",
}


def unseen(patient: Prepared) -> Array:
    """Tissue near the whole tumour and outside it, bool [x, y, z]."""
    away = ndimage.distance_transform_edt(~patient.whole, sampling=patient.tissue.spacing)
    return (away > 0) & (away <= UNSEEN_MM) & patient.tissue.mask & patient.brain


def fit_scores(density: Array, truth: Array, patient: Prepared) -> dict[str, float]:
    """
    Scores of a density.

    Parameters
    ----------
    density, truth : ndarray [x, y, z]
        On the patient's grid.
    patient : Prepared

    Returns
    -------
    dict
        dice_core, dice_whole (`gliofit.evaluation.patient_scores`), rmse_unseen, failed.
    """
    fit, near = data_fit(density, patient), unseen(patient)
    square = np.square(density[near].astype(np.float64) - truth[near])
    return {
        "dice_core": fit["dice_core"],
        "dice_whole": fit["dice_whole"],
        "rmse_unseen": float(np.sqrt(square.mean())) if square.size else float("nan"),
        "failed": float(1 - (fit["dice_core"] + fit["dice_whole"]) / 2 > FAILED),
    }


def truth_scores(truth: Array, patient: Prepared) -> dict[str, float]:
    """
    What the tumour itself scores by outlines that are as rough as a rater's: a fit that does better follows roughness.

    Parameters
    ----------
    truth : ndarray [x, y, z]
        The true density.
    patient : Prepared

    Returns
    -------
    dict
        dice_core, dice_whole, failed.
    """
    return {name: score for name, score in fit_scores(truth, truth, patient).items() if name != "rmse_unseen"}


def foci_scores(found: int, true: int, apart: float) -> dict[str, float]:
    """
    Whether the number of foci is right.

    Parameters
    ----------
    found, true : int
    apart : float
        Smallest distance between two true foci, mm; infinite for one.

    Returns
    -------
    dict
        one_found and several_found; NaN where the question does not arise.
    """
    right = float(found == true)
    several = true > 1 and apart > APART_MM
    return {"one_found": right if true == 1 else float("nan"), "several_found": right if several else float("nan")}
