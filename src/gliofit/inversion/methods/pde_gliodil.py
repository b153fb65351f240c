"""GliODIL's coefficients through the solver: the tumour that obeys the growth equation (GliODIL, Sec. 2)."""

from __future__ import annotations

from functools import wraps
from typing import Any

from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock
from gliofit.inversion.methods.gliodil import DISCRETE_MODEL, halved, optimised
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method


@method("pde_gliodil", "PDE GliODIL", models=(DISCRETE_MODEL,), together=halved)
@wraps(optimised, assigned=("__annotations__",))  # its settings, and checks of them, are gliodil's
def pde_gliodil(problem: Problem, **settings: Any) -> Fit:
    """
    θ̂ of `gliodil` – same settings –, with the numerical solver's density.

    `details` has the loss of the field that θ̂ was estimated with.
    """
    started = clock()
    found = optimised(problem, **settings)
    fit = Fit.of(problem, found.parameters, started, **found.about)
    _, extras = problem.split(found.parameters)
    fit.details["loss_of_the_field"] = problem.target.loss(found.own.on(problem.tissue), extras)
    return fit
