"""The five parameters of a tumour: where it began, how far cells spread and how fast they divide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gliofit.base.errors import InputError

NAMES = ("x", "y", "z", "mu_D", "mu_rho")

SYMBOLS = ("x", "y", "z", "μ_D", "μ_ρ")

MIRROR = (-1.0, 1.0, 1.0, 1.0, 1.0)
"""Factors of θ about a plane of symmetry, left and right swapped."""

ORIGIN, GROWTH = slice(0, 3), slice(3, 5)
"""Where in the vector [x, y, z, μ_D, μ_ρ] the origin is, and the growth."""


@dataclass(frozen=True)
class Theta:
    """
    θ = (origin, μ_D, μ_ρ) with the unknown duration T unified away (Weidner 2026, Sec. 2.1).

    Parameters
    ----------
    origin : tuple of float
        Where growth began, mm in the space of the tissue's affine; never rounded to a voxel.
    mu_D : float
        √(D_w·T), mm.
    mu_rho : float
        √(ρ·T), dimensionless.
    """

    origin: tuple[float, float, float]
    mu_D: float
    mu_rho: float

    def __post_init__(self) -> None:
        try:
            origin = tuple(float(v) for v in self.origin)
        except (TypeError, ValueError):
            origin = ()
        if len(origin) != 3 or not np.isfinite(origin).all():
            raise InputError(f"the origin {self.origin} is not three finite coordinates in mm")
        object.__setattr__(self, "origin", origin)
        for name in ("mu_D", "mu_rho"):
            given = getattr(self, name)
            try:
                value = float("nan") if isinstance(given, str | bool) else float(given)
            except (TypeError, ValueError):
                raise InputError(f"{name} = {given!r} is no number") from None
            if not (np.isfinite(value) and value >= 0):
                raise InputError(f"{name} = {given} must be finite and not negative")
            object.__setattr__(self, name, value)

    @classmethod
    def from_array(cls, values: Sequence[float] | np.ndarray) -> Theta:
        """From [x, y, z, μ_D, μ_ρ]."""
        return cls((values[0], values[1], values[2]), values[3], values[4])

    @classmethod
    def from_physical(
        cls, origin: Sequence[float] | np.ndarray, diffusivity: float, growth_rate: float, days: float
    ) -> Theta:
        """From D_w (mm²/day), ρ (1/day) and T (days)."""
        return cls((origin[0], origin[1], origin[2]), np.sqrt(diffusivity * days), np.sqrt(growth_rate * days))

    def to_physical(self, days: float) -> tuple[float, float]:
        """(D_w in mm²/day, ρ in 1/day) if growth took `days` days."""
        return self.mu_D**2 / days, self.mu_rho**2 / days

    def to_array(self) -> np.ndarray:
        """[x, y, z, μ_D, μ_ρ], float64."""
        return np.array([*self.origin, self.mu_D, self.mu_rho])

    def to_dict(self) -> dict:
        return {"origin": list(self.origin), "mu_D": self.mu_D, "mu_rho": self.mu_rho}

    @classmethod
    def from_dict(cls, values: dict) -> Theta:
        x, y, z = values["origin"]
        return cls((x, y, z), values["mu_D"], values["mu_rho"])
