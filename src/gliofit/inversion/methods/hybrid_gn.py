"""
The direct prediction, then Gauss–Newton on the solver: a start from the network, an end without it.

Outlines hardly tell how wide a front is, and a search leaves it nearly as it began: where nothing is seen, the
network's width would decide. So fronts of other widths are tried at the origin that it tells, as `gauss_newton` does at
the tumour's centre.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import PositiveInt

from gliofit.base.arrays import Array
from gliofit.inversion.doubts import EXPLAINED
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock
from gliofit.inversion.methods.direct import predict
from gliofit.inversion.methods.gauss_newton import gauss_newton, levels_of
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.starts import FRONT_WIDTHS, Starts


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

    Of a density it starts there, of outlines also with fronts of other widths at the same origin, those that explain
    most. If outlines are not explained from there, `gauss_newton`'s own start counts, where that is better. Settings as
    for `gauss_newton`. `details` has the prediction it started from.
    """
    started, before = clock(), problem.runs.number
    one = replace(problem, model=problem.model.with_one_focus())
    guess = predict(one)
    starts = guess if problem.target.complete else np.stack([guess, *_beside(one, guess)])
    predicted = clock() - started
    settings = {"iterations": iterations, "tolerance": tolerance, "uncertainty": uncertainty}
    fit = gauss_newton(problem, start=starts, **settings)
    if min(fit.explained(problem.target).values(), default=1.0) < EXPLAINED:
        fit = min(fit, gauss_newton(problem, **settings), key=lambda found: found.loss)
    fit.evaluations = problem.runs.number - before + 1  # and the network
    fit.seconds += predicted
    fit.details["start"] = np.asarray(guess).tolist()
    return fit


def _beside(problem: Problem, guess: Array) -> list[Array]:
    """Starts with fronts of other widths at the predicted origin."""
    rough = levels_of(problem.with_long_steps())[0]
    origins = list(problem.split(guess)[0][problem.model.origins])
    return Starts(rough, FRONT_WIDTHS, np.random.default_rng(problem.seed)).at(origins)
