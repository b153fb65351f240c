"""
Learn-Morph-Infer (Ezhov 2023): the tumour's outlines in the atlas's space → θ by a network → solver → back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gliofit.anatomy.morph import Morph
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.threads import torch_threads
from gliofit.growth import simulate
from gliofit.growth.theta import ORIGIN, Theta
from gliofit.inversion.crops import network
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, legal
from gliofit.inversion.own_density import Field
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method


def predict(problem: Problem, morph: Morph) -> Theta:
    """
    θ̂ in the atlas's space, its origin in tissue.

    Labels are not interpolated: a voxel of the network's window is tumour if at least half of it is.
    """
    from gliofit.anatomy.brain_window import window_affine, window_maps

    model = network(problem, "lmi")
    window = window_affine(morph.tissue, model.shape, model.spacing)
    outlines = problem.target.outlines()
    if outlines is None:
        raise InputError("Learn-Morph-Infer needs a density or a segmentation among the observations")
    seen = morph.to_atlas(list(outlines), problem.tissue.affine, tuple(model.shape), window)
    core, whole = (fraction >= 0.5 for fraction in seen)
    maps = window_maps(morph.tissue, model.shape, model.spacing)
    with torch_threads(problem.threads):
        theta = model.predict(core, whole | core, maps)
    centre = grids.to_world(window, (np.array(model.shape) - 1) / 2)
    theta[ORIGIN] = morph.tissue.nearest_tissue(theta[ORIGIN] + centre)
    return Theta.from_array(theta)


def _finish(problem: Problem, morph: Morph, theta: Theta, started: float, own: Field | None) -> Fit:
    """The fit of θ̂ in the atlas's space: its origin mapped to the patient, the target's extras fitted."""
    origin = morph.point_to_patient(np.array(theta.origin))
    values = problem.model.from_theta(np.array([*origin, theta.mu_D, theta.mu_rho]))
    values, _ = problem.split(legal(problem, np.concatenate([values, problem.target.extra_start])))
    density = problem.density(values) if own is None else own.on(problem.tissue)
    parameters = np.concatenate([values, problem.target.best_extras(density)])
    details = {"theta_atlas": theta.to_dict()}
    how: dict[str, Any] = {"evaluations": 1, "converged": True, "reason": "one network pass", "details": details}
    fit = Fit.of(problem, parameters, started, own=own, history=[], **how)
    fit.history = [fit.loss]
    return fit


@method("lmi", "LMI", networks=("lmi",), atlas=True)
def lmi(problem: Problem) -> Fit:
    """
    θ̂ from outlines in the atlas's space, the solver there, and its density morphed to the patient (Ezhov 2023).

    `density` is that morphed field (`own`), not a solver's run on the patient's tissue, and `loss` is its. `theta` has
    its origin mapped to the patient; `details["theta_atlas"]` is what the network found. Thresholds are fitted to the
    result. Where the tissue is the atlas, the two fields are one.
    """
    started = clock()
    morph = problem.morph or Morph(problem.tissue)
    theta = predict(problem, morph)
    own = None
    if problem.morph is not None:
        grown = simulate(morph.tissue, theta, threads=problem.threads)
        own = Field(morph.to_patient(grown, problem.tissue.shape, problem.tissue.affine), problem.tissue.affine)
    return _finish(problem, morph, theta, started, own)


@method("lmi_patient", "LMI in patient space", networks=("lmi",), atlas=True)
def lmi_patient(problem: Problem) -> Fit:
    """
    θ̂ as for `lmi`, its origin mapped to the patient, and the solver on the patient's own tissue (Ezhov 2023, Sec. 3.4).

    Thresholds are fitted to the result.
    """
    started = clock()
    morph = problem.morph or Morph(problem.tissue)
    return _finish(problem, morph, predict(problem, morph), started, None)
