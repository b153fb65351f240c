"""Neural networks: forward surrogates, the direct inverse and Learn-Morph-Infer's."""

from gliofit.networks.io import load_inverse, load_lmi, load_network, load_surrogate
from gliofit.vector_math import prepare_vector_math

prepare_vector_math()  # whoever runs a network, with however many threads

__all__ = ["load_inverse", "load_lmi", "load_network", "load_surrogate"]
