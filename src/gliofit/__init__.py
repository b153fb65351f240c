"""GlioFit: fit brain-tumour growth models to a patient's scan."""

from gliofit.anatomy.tissue import Tissue
from gliofit.base.errors import InputError
from gliofit.growth import growth_model
from gliofit.growth.checks import simulate
from gliofit.growth.theta import Theta
from gliofit.inversion import Fit, Problem, invert
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

__version__ = "0.2.0"
__all__ = [
    "DensityTarget",
    "Fit",
    "InputError",
    "JointTarget",
    "PETTarget",
    "Problem",
    "SegmentationTarget",
    "Theta",
    "Tissue",
    "growth_model",
    "invert",
    "simulate",
]
