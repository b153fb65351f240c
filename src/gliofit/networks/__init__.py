"""Neural networks: forward surrogates and the direct inverse."""

from gliofit.networks.io import load_inverse, load_surrogate

__all__ = ["load_inverse", "load_surrogate"]
