"""The paper's figures, each a function that writes `stem`.pdf and `stem`.png."""

from gliofit.figures.errors import case_errors, distribution, landscape
from gliofit.figures.forward import ForwardCase, forward, forward_errors
from gliofit.figures.patients import PatientView, patient, patients

__all__ = [
    "ForwardCase",
    "PatientView",
    "case_errors",
    "distribution",
    "forward",
    "forward_errors",
    "landscape",
    "patient",
    "patients",
]
