"""Forward models of tumour growth."""

from gliofit.growth.fisher_kolmogorov import simulate

__all__ = ["simulate"]
