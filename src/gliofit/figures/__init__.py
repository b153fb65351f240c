"""The paper's figures, each a function that writes `stem`.pdf and `stem`.png."""

from gliofit.figures.errors import case_errors, distribution, landscape, worst_cases
from gliofit.figures.forward import forward
from gliofit.figures.learning import learning
from gliofit.figures.patients import PatientView, patient, patients
from gliofit.figures.volumes import volumes
from gliofit.surrogate_error import ForwardCase

__all__ = [
    "ForwardCase",
    "PatientView",
    "case_errors",
    "distribution",
    "forward",
    "landscape",
    "learning",
    "patient",
    "patients",
    "volumes",
    "worst_cases",
]
