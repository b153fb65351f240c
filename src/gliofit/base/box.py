"""Bounds of a parameter vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gliofit.base.errors import InputError


@dataclass(frozen=True)
class Box:
    """
    Bounds of a parameter vector and its map to the unit cube.

    Optimisers and networks work on unit-scaled parameters, so that a millimetre and
    a growth number weigh alike.
    """

    lower: np.ndarray
    upper: np.ndarray

    def __post_init__(self) -> None:
        lower, upper = (np.asarray(v, float) for v in (self.lower, self.upper))
        if not np.all(lower < upper):
            raise InputError(f"bounds {lower.tolist()} … {upper.tolist()} are not ordered")
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    def to_unit(self, values: ArrayLike) -> np.ndarray:
        return (np.asarray(values, float) - self.lower) / (self.upper - self.lower)

    def from_unit(self, unit: ArrayLike) -> np.ndarray:
        return self.lower + np.asarray(unit, float) * (self.upper - self.lower)

    def clip(self, values: ArrayLike) -> np.ndarray:
        return np.clip(values, self.lower, self.upper)

    def contains(self, values: np.ndarray) -> bool:
        return bool(np.all(values >= self.lower) and np.all(values <= self.upper))
