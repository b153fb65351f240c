"""Unknowns: name, unit, range and start of each. Growth models have them, and so have observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofit.base.errors import InputError

ORIGIN_RADIUS_MM = 40.0
"""An origin is sought within this distance (per axis) of the visible tumour's centre of mass."""

AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Parameter:
    """
    One unknown of a growth model.

    Parameters
    ----------
    name : str
        As in `Fit.parameters`, JSON and tables.
    unit : str
        "" if it has none.
    lower, upper : float
        Where searches look. Of a coordinate of an origin: relative to the visible tumour's centre of mass.
    start : float
        Where searches begin; NaN where the observation gives it.
    symbol : str
        As printed.
    digits : int
        Decimals worth printing.
    coordinate : bool
        Whether it is one of an origin's; the three of an origin follow one another.
    """

    name: str
    unit: str
    lower: float
    upper: float
    start: float
    symbol: str = ""
    digits: int = 2
    coordinate: bool = False

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise InputError(f"growth model: the range {self.name} = {self.lower:g} … {self.upper:g} must be ascending")
        object.__setattr__(self, "symbol", self.symbol or self.name)


def origin_parameters(focus: int | None = None) -> tuple[Parameter, ...]:
    """The three coordinates (mm) of an origin; numbered (x1, y1, z1) if there are several."""
    number = "" if focus is None else str(focus)
    reach = ORIGIN_RADIUS_MM
    return tuple(Parameter(f"{axis}{number}", "mm", -reach, reach, np.nan, digits=1, coordinate=True) for axis in AXES)
