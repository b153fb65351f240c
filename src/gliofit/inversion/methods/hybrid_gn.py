"""The direct prediction, then Gauss–Newton on the solver: a start from the network, an end without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import PositiveInt

from gliofit.inversion.doubts import EXPLAINED
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock
from gliofit.inversion.methods.direct import predict
from gliofit.inversion.methods.gauss_newton import gauss_newton
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method


@method(
    "hybrid_gn",
    "Direct, then Gauss–Newton (ours)",
    networks=("inverse", "inverse_segmentation"),
    foci=("given", "auto"),
)
def hybrid_gn(
    problem: Problem, *, iterations: PositiveInt = 60, tolerance: float = 1e-4, uncertainty: bool = True
) -> Fit:
    """
    Gauss–Newton from the inverse network's prediction.

    No start is searched for, unless the outlines are not explained from there: then it is `gauss_newton`'s that counts,
    if that is better. Settings as for `gauss_newton`. `details` has the prediction it started from.
    """
    started, before = clock(), problem.runs.number
    guess = predict(replace(problem, model=problem.model.with_one_focus()))
    predicted = clock() - started
    settings = {"iterations": iterations, "tolerance": tolerance, "uncertainty": uncertainty}
    fit = gauss_newton(problem, start=guess, **settings)
    if min(fit.explained(problem.target).values(), default=1.0) < EXPLAINED:
        fit = min(fit, gauss_newton(problem, **settings), key=lambda found: found.loss)
    fit.evaluations = problem.runs.number - before + 1  # and the network
    fit.seconds += predicted
    fit.details["start"] = np.asarray(guess).tolist()
    return fit
