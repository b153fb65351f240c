"""nnU-Net as a comparator: the probability that it gives each voxel, taken as a density (Isensee et al. 2021)."""

from __future__ import annotations

import numpy as np

from gliofit.base.threads import torch_threads
from gliofit.inversion.crops import network
from gliofit.inversion.discrete_loss.domain import Observed
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, legal
from gliofit.inversion.methods.gliodil import DISCRETE_MODEL
from gliofit.inversion.own_density import Field
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.starts import matched_starts

WIDTH_MM = 3.0
"""Of the front of the growth that stands in for θ̂."""


@method("nnunet", "nnU-Net", networks=("nnunet",), models=(DISCRETE_MODEL,), extra="nnunet")
def nnunet(problem: Problem) -> Fit:
    """
    The network's probability, by one pass over the brain; nothing is fitted but thresholds.

    `density` is no density: it is the probability that a voxel belongs to the recurrence (or is infiltrated, as the
    network was trained), which orders voxels for a plan as a density does. θ̂ is no result of this method: it is a
    growth from the tumour's centre that reaches the visible volume. An observed density is shown by its outlines.
    """
    from gliofit.networks.nnunet import channels

    started = clock()
    model = network(problem, "nnunet")
    same_grid = np.allclose(problem.tissue.affine[:3, :3], np.eye(3) * model.spacing, atol=1e-3)
    seen = problem if same_grid else problem.resampled(model.spacing)
    observed, tissue = Observed.of(seen.target), seen.tissue
    uptake = None if observed.pet is None or observed.region is None else observed.pet * observed.region
    with torch_threads(problem.threads):
        found = model.predict(channels(tissue, observed.core, observed.whole, uptake))
    # the same for all methods: as exact as it is kept in a file
    probability = np.where(tissue.mask, found, np.nan).astype(np.float16).astype(np.float32)
    own = Field(probability, tissue.affine)
    origin = problem.tissue.nearest_tissue(problem.centre)
    values, _ = problem.split(matched_starts(problem, (WIDTH_MM,), origin, problem.target.extra_start)[0])
    extras = problem.target.best_extras(own.on(problem.tissue))
    fit = Fit.of(
        problem,
        legal(problem, np.concatenate([values, extras])),
        started,
        own=own,
        history=[],
        evaluations=1,
        converged=True,
        reason="one network pass",
        details={"probability_of": model.predicts},
    )
    fit.history = [fit.loss]
    return fit
