"""
Direct prediction: one pass of the inverse network (Weidner 2026, Sec. 2.3, Fig. 2a).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.threads import torch_threads
from gliofit.inversion.crops import Crop, network
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, finish, legal
from gliofit.inversion.outlines import as_density
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method


def predict(problem: Problem) -> Array:
    """
    The inverse network's estimate [values, extras], inside the bounds and with its origin in tissue.

    No network estimates thresholds: a scan finds those that suit the density best, by one run of the solver.
    """
    values, extras = problem.split(predicted(problem))
    if extras.size:
        extras = problem.target.best_extras(problem.density(values))
    return np.concatenate([values, extras])


def predicted(problem: Problem) -> Array:
    """
    The same with the extras at their starts.

    Segmentations have a network of their own. Where it is not given, the other one is shown a density that they could
    have come from (`outlines.density_from_segmentation`).
    """
    outlines = problem.target.outlined
    if outlines is not None and "inverse_segmentation" in problem.networks:
        model = network(problem, "inverse_segmentation")
        crop = Crop(replace(problem, target=outlines), model)
    else:
        model = network(problem, "inverse")
        crop = Crop(as_density(problem), model)
    with torch_threads(problem.threads):
        values = crop.from_network(model.predict(crop.tissue, crop.target.visible / crop.target.layers))
    return legal(problem, np.concatenate([values, problem.target.extra_start]))


@method("direct", "Direct", networks=("inverse", "inverse_segmentation"))
def direct(problem: Problem) -> Fit:
    """
    θ̂ by one pass of the inverse network on the crop (Weidner 2026, Sec. 2.3): nothing is fitted.

    Of segmentations, `predict` says which network. `history` holds the one loss, by the numerical solver.
    """
    started = clock()
    fit = finish(
        problem, predict(problem), started, history=[], evaluations=1, converged=True, reason="one network pass"
    )
    fit.history = [fit.loss]
    return fit
