"""What a posterior means for the tumour: mean, spread and probabilities in every voxel, and volumes that matter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.inversion.problem import Problem
from gliofit.inversion.samples import Predicted
from gliofit.observation.thresholds import VISIBLE

LEVELS = (0.01, 0.1, 0.5)
"""Densities whose probability to be exceeded is mapped."""

INFILTRATED = 0.01
"""Density that counts as infiltrated."""

MARGIN_MM = 15.0
"""Beyond this distance of the core, or of the whole outline without one, the standard plan does not reach."""

VOLUMES = ("visible_ml", "infiltrated_ml")


def predict(problem: Problem, parameters: Array) -> Predicted:
    """
    Densities of samples, summed up.

    Parameters
    ----------
    problem : Problem
    parameters : ndarray [K, n + k (+ more)]
        [values, extras, …] of each.
    """
    shape = problem.tissue.shape
    mean, squares = np.zeros(shape), np.zeros(shape)
    above = {level: np.zeros(shape, np.float32) for level in LEVELS}
    volumes: dict[str, list[float]] = {name: [] for name in VOLUMES}
    millilitres = float(np.prod(problem.tissue.spacing)) / 1000
    beyond = _beyond(problem)
    whole = (
        problem.target.extra_names.index("threshold_whole") if "threshold_whole" in problem.target.extra_names else -1
    )

    def run(values: Array) -> Array:
        return problem.grown(values, 1)

    number = problem.model.size
    problem.runs.number += len(parameters)
    with ThreadPoolExecutor(problem.threads) as pool:
        for start in range(0, len(parameters), 4 * problem.threads):
            some = parameters[start : start + 4 * problem.threads]
            for values, c in zip(some, pool.map(run, some[:, :number]), strict=True):
                mean += c
                squares += np.square(c, dtype=np.float64)
                for level, count in above.items():
                    count += c > level
                threshold = values[number + whole] if whole >= 0 else VISIBLE
                volumes["visible_ml"].append(float(np.count_nonzero(c > threshold)) * millilitres)
                volumes["infiltrated_ml"].append(float(np.count_nonzero((c > INFILTRATED) & beyond)) * millilitres)
    total = len(parameters)
    mean /= total
    deviation = np.sqrt(np.maximum(squares / total - mean**2, 0) * total / max(total - 1, 1))
    return Predicted(
        mean.astype(np.float32),
        deviation.astype(np.float32),
        {level: count / np.float32(total) for level, count in above.items()},
        {name: np.array(values) for name, values in volumes.items()},
    )


def _beyond(problem: Problem) -> Array:
    """Where the standard plan's margin does not reach, bool [x, y, z]."""
    outlines = problem.target.outlines()
    assert outlines is not None or problem.target.visible is not None
    core, whole = outlines if outlines is not None else (problem.target.visible >= 0.5, problem.target.visible)
    seen = core if np.any(core >= 0.5) else whole
    seen = seen >= min(0.5, 0.5 * float(seen.max()))
    away: Array = ndimage.distance_transform_edt(~seen, sampling=problem.tissue.spacing)
    return away > MARGIN_MM
