"""What methods share at their start: parameters that a solver run can begin from, a clock."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.fit import Fit
from gliofit.inversion.problem import Problem


def legal(problem: Problem, parameters: Array) -> Array:
    """`parameters` = [values, extras] inside the problem's box and with every origin in tissue."""
    values, extras = problem.split(problem.box.clip(parameters))
    return np.concatenate([problem.model.on_tissue(problem.tissue, values), extras])


def finish(problem: Problem, parameters: Array, started: float, **values: Any) -> Fit:
    """`Fit.of` for parameters that a network proposed: legal first, then rerun through the numerical solver."""
    return Fit.of(problem, legal(problem, parameters), started, **values)


def clock() -> float:
    """Start of a search, for `Fit.of`."""
    return time.perf_counter()
