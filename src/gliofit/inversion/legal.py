"""Parameters that a solver run can begin from, and checks of settings."""

from __future__ import annotations

import time

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.fit import Fit
from gliofit.inversion.problem import Problem


def into_tissue(tissue: Tissue, origin: Array) -> Array:
    """
    The point (3,) in mm nearest to `origin` where a tumour can begin.

    Origins in tissue are returned as they are; others (a centre of mass in a ventricle, a candidate in the CSF or
    beyond the grid) would leave the solver without a seed and move to the centre of the nearest tissue voxel.
    """
    voxel = tissue.to_voxel(origin)
    index = np.round(voxel).astype(int)
    if np.all(index >= 0) and np.all(index < tissue.shape) and tissue.mask[tuple(index)]:
        return np.asarray(origin, float)
    places = np.argwhere(tissue.mask)
    nearest = (((places - voxel) * tissue.spacing) ** 2).sum(1).argmin()
    return tissue.to_world(places[nearest])


def legal(problem: Problem, parameters: Array) -> Array:
    """`parameters` = [θ, extras…] inside the problem's box and with the origin in tissue."""
    parameters = problem.box.clip(parameters)
    parameters[:3] = into_tissue(problem.tissue, parameters[:3])
    return parameters


def finish(problem: Problem, parameters: Array, started: float, **values) -> Fit:
    """`Fit.of` for parameters that a network proposed: legal first, then rerun through the numerical solver."""
    return Fit.of(problem, legal(problem, parameters), started, **values)


def require_positive(**settings: float) -> None:
    """Raise an InputError for the first setting that is not a positive, finite number."""
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise InputError(f"setting {name} = {value!r} must be a positive number")


def clock() -> float:
    """Start of a search, for `Fit.of`."""
    return time.perf_counter()
