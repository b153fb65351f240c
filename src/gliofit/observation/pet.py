"""FET-PET: uptake that is linear in the density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.given import given_array
from gliofit.growth.parameter import Parameter
from gliofit.observation.observation import SingleObservation
from gliofit.observation.residuals import Residuals

UPTAKE = (
    Parameter("pet_scale", "", 0.5, 1.02, 1.0, digits=3),
    Parameter("pet_background", "", 0.0, 0.5, 0.3, digits=3),
)
"""Scale and background of the uptake, as in GliODIL's code."""


@dataclass(frozen=True, eq=False)
class PETTarget(SingleObservation):
    """
    FET-PET uptake, linear in the density where the tumour is visible (GliODIL, Eqs. 14, 15): c ≈ scale·(pet −
    background).

    Parameters
    ----------
    pet : ndarray [x, y, z]
        Uptake divided by its maximum.
    region : ndarray [x, y, z]
        Where it is compared, fraction of each voxel: enhancing core and edema in GliODIL.
    """

    pet: Array
    region: Array

    def __post_init__(self) -> None:
        for name in ("pet", "region"):
            data = getattr(self, name)
            if not isinstance(data, np.ndarray) or data.dtype.kind != "f" or not data.dtype.isnative:
                object.__setattr__(self, name, given_array(data, f"the {name}")[0].astype(np.float32))
        if self.pet.shape != self.region.shape:
            raise InputError(f"the PET image has shape {self.pet.shape}, its region {self.region.shape}")

    @property
    def unknowns(self) -> tuple[Parameter, ...]:
        return UPTAKE

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pet.shape

    @property
    def visible(self) -> Array:
        return self.pet * self.region

    def visible_size(self, c: Array, extras: Array) -> float:
        return float(np.sum(c * self.region, dtype=np.float64))

    def arrays(self) -> dict[str, Array]:
        return {"pet": self.pet, "region": self.region}

    def _weight(self) -> Array:
        # makes mean(r²) the mean over the region
        return np.sqrt(self.region * np.float32(self.region.size / max(float(self.region.sum()), 1.0)))

    def residuals(self, c: Array, extras: Array) -> Residuals:
        """One map."""
        scale, background = (c.dtype.type(v) for v in extras)
        weight = self._weight()
        r = weight * (c - scale * (self.pet - background))
        extra = np.stack([-weight * (self.pet - background), weight * scale])[:, None]
        return Residuals(r[None], weight[None], extra)

    def best_extras(self, c: Array) -> Array:
        """Scale and background by least squares; where one is at its bound, the other given that."""
        weight = self.region.astype(np.float64).ravel()
        pet, density = (a.astype(np.float64).ravel() for a in (self.pet, c))
        total = max(float(weight.sum()), 1e-12)
        pet_mean, mean = (float(weight @ a) / total for a in (pet, density))
        spread = float(weight @ (pet - pet_mean) ** 2)
        scale = self._within(0, float(weight @ ((pet - pet_mean) * (density - mean))) / max(spread, 1e-12))
        background = self._within(1, pet_mean - mean / scale)
        above = pet - background
        square = float(weight @ above**2)
        return np.array([self._within(0, float((weight * above) @ density) / max(square, 1e-12)), background])

    def _within(self, place: int, value: float) -> float:
        unknown = self.unknowns[place]
        return float(np.clip(value, unknown.lower, unknown.upper))

    def loss(self, c: Array, extras: Array) -> float:
        """Mean squared difference in the region."""
        r = c - extras[0] * (self.pet - extras[1])
        return float(np.sum(self.region * r**2, dtype=np.float64) / max(float(self.region.sum()), 1.0))

    def torch_loss(self, c: Any, arrays: dict[str, Any], extras: Any) -> Any:
        """The same loss on torch tensors."""
        r = c - extras[0] * (arrays["pet"] - extras[1])
        return (arrays["region"] * r**2).sum() / arrays["region"].sum().clamp(min=1.0)

    def map(self, function: Callable[[Array], Array]) -> PETTarget:
        return PETTarget(function(self.pet), function(self.region))
