"""Neural networks: forward surrogates, the direct inverse and Learn-Morph-Infer's."""

from gliofit.networks.io import load_inverse, load_lmi, load_network, load_surrogate

__all__ = ["load_inverse", "load_lmi", "load_network", "load_surrogate"]
