"""GlioFit: fit brain-tumour growth models to a patient's scan."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "DensityTarget": "observation.density",
    "Fit": "inversion",
    "InputError": "base.errors",
    "JointTarget": "observation.joint",
    "PETTarget": "observation.pet",
    "Problem": "inversion",
    "SegmentationTarget": "observation.segmentation",
    "Theta": "growth.theta",
    "Tissue": "anatomy.tissue",
    "growth_model": "growth",
    "invert": "inversion",
    "simulate": "growth.checks",
}


def __getattr__(name: str) -> Any:
    """
    The public names, each imported when it is first asked for.

    Every job of the workflow is a process: one that reads scans should not wait for compilers and optimisers.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'gliofit' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(f"gliofit.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
