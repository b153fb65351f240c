"""Forward models of tumour growth."""

from importlib import import_module
from pkgutil import iter_modules

from gliofit.growth import models
from gliofit.growth.fisher_kolmogorov import compile_kernels, simulate
from gliofit.growth.model import MODELS, GrowthModel, growth_model

for module in iter_modules(models.__path__):  # each registers its models
    import_module(f"{models.__name__}.{module.name}")

__all__ = ["MODELS", "GrowthModel", "compile_kernels", "growth_model", "simulate"]
