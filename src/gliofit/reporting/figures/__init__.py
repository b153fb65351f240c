"""The paper's figures, each a function that writes `stem`.pdf and `stem`.png."""

from gliofit.evaluation.surrogate_scores import ForwardCase
from gliofit.reporting.figures.errors import case_errors, distribution, landscape, worst_cases
from gliofit.reporting.figures.forward import forward
from gliofit.reporting.figures.learning import learning
from gliofit.reporting.figures.patients import PatientView, patient, patients
from gliofit.reporting.figures.volumes import volumes

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
