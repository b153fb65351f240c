"""How searches for a growth model begin with a simpler one that it contains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Model = TypeVar("Model")


@dataclass(frozen=True)
class Simpler(Generic[Model]):
    """
    What to search for first.

    Parameters
    ----------
    model : GrowthModel
        Its parameters are the first ones of the model that is meant.
    further : tuple of tuple of float
        Values of the others that searches for the model itself begin with, one search each.
    searched : GrowthModel
        The model as it is searched for: the same densities, with derivatives that lead searches well.
    """

    model: Model
    further: tuple[tuple[float, ...], ...]
    searched: Model
