"""GlioFit: fit brain-tumour growth models to a patient's scan."""

from gliofit.errors import InputError
from gliofit.growth import simulate
from gliofit.inversion import Fit, Problem, invert
from gliofit.theta import Theta
from gliofit.tissue import Tissue

__version__ = "0.1.0"
__all__ = ["Fit", "InputError", "Problem", "Theta", "Tissue", "invert", "simulate"]
