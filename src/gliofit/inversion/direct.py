"""
Direct prediction: one pass of the inverse network (Weidner 2026, Sec. 2.3, Fig. 2a).
"""

from __future__ import annotations

import numpy as np

from gliofit.inversion.crops import Crop, clock, finish, legal, network, torch_threads
from gliofit.inversion.outlines import as_density
from gliofit.inversion.problem import Fit, Problem
from gliofit.inversion.registry import method

Array = np.ndarray


def predict(problem: Problem) -> Array:
    """
    The inverse network's estimate [θ, extras…], inside the bounds and with its origin in tissue.

    Segmentations are shown to the network as a density (`outlines.density_from_segmentation`); their thresholds,
    which it knows nothing of, are the target's defaults.
    """
    model = network(problem, "inverse")
    crop = Crop(as_density(problem), model)
    with torch_threads(problem.threads):
        theta = crop.from_network(model.predict(crop.tissue, crop.target.density))
    return legal(problem, np.array([*theta, *problem.target.extra_start]))


@method("direct", "Direct", networks=("inverse",))
def direct(problem: Problem) -> Fit:
    """
    θ̂ by one pass of the inverse network on the crop (Weidner 2026, Sec. 2.3): nothing is fitted.

    For segmentations see `outlines.density_from_segmentation`. `history` holds the one loss, by the numerical solver.
    """
    started = clock()
    fit = finish(
        problem, predict(problem), started, history=[], evaluations=1, converged=True, reason="one network pass"
    )
    fit.history = [fit.loss]
    return fit
