"""GliODIL's coefficients through the solver: the tumour that obeys the growth equation (GliODIL, Sec. 2)."""

from __future__ import annotations

import time
from functools import wraps
from typing import Any

import numpy as np

from gliofit.inversion.fit import Fit
from gliofit.inversion.methods.gliodil import DISCRETE_MODEL, gliodil
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method


@method("pde_gliodil", "PDE GliODIL", models=(DISCRETE_MODEL,))
@wraps(gliodil, assigned=("__annotations__",))  # its settings, and checks of them, are gliodil's
def pde_gliodil(problem: Problem, **settings: Any) -> Fit:
    """
    θ̂ of `gliodil` – same settings –, with the numerical solver's density.

    `details` has the loss of the field that θ̂ was estimated with.
    """
    started = time.perf_counter()
    found = gliodil(problem, **settings)
    return Fit.of(
        problem,
        np.array([*found.parameters.values(), *found.extras.values()]),
        started,
        history=found.history,
        evaluations=found.evaluations,
        converged=found.converged,
        reason=found.reason,
        details=found.details | {"loss_of_the_field": found.loss},
    )
