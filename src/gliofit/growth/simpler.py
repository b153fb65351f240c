"""How searches for a growth model begin with a simpler one that it contains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gliofit.base.arrays import Array

if TYPE_CHECKING:
    from gliofit.growth.model import GrowthModel


@dataclass(frozen=True)
class Simpler:
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

    model: GrowthModel
    further: tuple[tuple[float, ...], ...]
    searched: GrowthModel

    def starts(self, values: Array) -> list[Array]:
        """Values of the model that is meant, for those found for the simpler one."""
        return [np.concatenate([values[: self.model.size], more]) for more in self.further]
