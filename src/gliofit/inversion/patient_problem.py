"""The inversion of a patient: what was observed, on a working grid."""

from __future__ import annotations

from typing import Any

from gliofit.inversion.problem import Problem
from gliofit.observation.joint import JointTarget
from gliofit.observation.observation import Observation
from gliofit.patients.prepared import Prepared


def patient_problem(patient: Prepared, spacing: float, pet: bool = True, **values: Any) -> Problem:
    """
    The inversion of a patient's segmentation, and of FET-PET if there is any, on an RAS working grid.

    Parameters
    ----------
    patient : Prepared
    spacing : float
        mm.
    pet : bool
        Whether to observe PET.
    **values
        Of `Problem`: networks, seed, threads, morph.
    """
    tissue = patient.tissue.working_grid(spacing)
    target: Observation = patient.target(tissue.shape, tissue.affine)
    uptake = patient.pet_target(tissue.shape, tissue.affine) if pet else None
    if uptake is not None:
        target = JointTarget((target, uptake), (1.0, 1.0))
    return Problem(tissue, target, **values)
