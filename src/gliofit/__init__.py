"""GlioFit: fit brain-tumour growth models to a patient's scan."""

from gliofit.anatomy.tissue import Tissue
from gliofit.base.errors import InputError
from gliofit.growth import simulate
from gliofit.growth.theta import Theta
from gliofit.inversion import Fit, Problem, invert

__version__ = "0.2.0"
__all__ = ["Fit", "InputError", "Problem", "Theta", "Tissue", "invert", "simulate"]
