"""
PredictGBM's own scores (version 0.1.0), to put beside ours on the same prediction.

Its rules differ from `gliofit.evaluation.patient_scores` and `gliofit.planning`, and are kept here: the margin is
counted in voxels, whatever their size, and a cavity before treatment is core; the plan is all above a threshold that a
search finds to within 1 % of the standard plan's volume, over the whole image, and is cut to the brain afterwards; with
too few positive voxels it is all of them, and where too many are equal it is empty; a recurrence that is not there is
covered (1.0); a binary prediction is made a fading one.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.patients.labels import EDEMA, ENHANCING, NECROTIC

MARGIN_VOXELS = 15
TOLERANCE = 0.01
START, STEP = 0.2, 0.1
"""Where the search for a threshold begins, and its first step."""

TRIES = 10_000
VISIBLE = 0.6
"""What a binary prediction has at its edge, once it fades."""

DEFINITIONS = {
    "recurrence_coverage_standard": "Share of the recurrence's enhancing core in the standard plan; 1 without.",
    "recurrence_coverage_standard_all": "The same of all of the recurrence but the cavity.",
    "recurrence_coverage_model": "As the first, in the prediction's plan.",
    "recurrence_coverage_model_all": "As the second, in the prediction's plan.",
}


def predict_gbm_scores(prediction: Array, labels: Array, recurrence: Array, brain: Array) -> dict[str, float]:
    """
    Scores of a prediction.

    Parameters
    ----------
    prediction : ndarray [x, y, z]
    labels, recurrence : ndarray [x, y, z]
        1 necrotic core, 2 edema, 3 enhancing core, 4 cavity.
    brain : ndarray of bool [x, y, z]

    Returns
    -------
    dict
        Of `DEFINITIONS`.
    """
    core = np.isin(labels, (NECROTIC, ENHANCING, 4))
    standard = (ndimage.distance_transform_edt(~core) <= MARGIN_VOXELS) & brain
    if np.isin(np.unique(prediction), (0, 1)).all():
        prediction = _fading(prediction > 0.5)
    model = (prediction > _threshold(np.asarray(prediction, np.float64), int(standard.sum()))) & brain
    parts = {"": recurrence == ENHANCING, "_all": np.isin(recurrence, (NECROTIC, EDEMA, ENHANCING))}
    plans = {"standard": standard, "model": model}
    return {
        f"recurrence_coverage_{plan}{part}": float((where & chosen).sum() / where.sum()) if where.any() else 1.0
        for plan, chosen in plans.items()
        for part, where in parts.items()
    }


def _threshold(values: Array, target: int) -> float:
    """The threshold that the benchmark's search ends at; 0 takes all that is positive, 1.01 nothing."""
    ordered = np.sort(values.ravel())

    def above(t: float) -> int:
        return int(ordered.size - np.searchsorted(ordered, t, side="right"))

    if above(0.0) < target:
        return 0.0
    threshold, step, before = START, STEP, 0
    for _ in range(TRIES):
        volume = above(threshold)
        if abs(volume - target) <= TOLERANCE * target:
            return threshold
        direction = 1 if volume > target else -1
        threshold += direction * step
        if threshold < 0 or threshold > 1:
            return 1.01
        if before and direction != before:
            step /= 2
        before = direction
    return 0.0


def _fading(inside: Array) -> Array:
    """1 in the middle of a mask, `VISIBLE` at its edge, 0 farthest from it."""
    away, depth = (ndimage.distance_transform_edt(m) for m in (~inside, inside))
    return np.where(
        inside,
        VISIBLE + (1 - VISIBLE) * depth / max(depth.max(), 1e-9),
        VISIBLE * (1 - away / max(away.max(), 1e-9)),
    )
