"""Forward models of tumour growth."""

from gliofit.growth.fisher_kolmogorov import compile_kernels, simulate

__all__ = ["compile_kernels", "simulate"]
