"""Inversion: parameters of tumour growth from what a scan shows."""

from importlib import import_module
from pkgutil import iter_modules

from gliofit.inversion import methods
from gliofit.inversion.fit import Fit
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import METHODS, describe, invert, method

for module in iter_modules(methods.__path__):  # each registers its methods
    import_module(f"{methods.__name__}.{module.name}")

__all__ = ["METHODS", "Fit", "Problem", "describe", "invert", "method"]
