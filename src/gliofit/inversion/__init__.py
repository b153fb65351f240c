"""Inverse methods: from an observed tumour to θ."""

from gliofit.inversion.problem import Fit, Problem
from gliofit.inversion.registry import METHODS, describe, invert, method

__all__ = ["METHODS", "Fit", "Problem", "describe", "invert", "method"]
