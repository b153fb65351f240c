"""FET-PET: uptake that is linear in the density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.observation.residuals import Residuals


@dataclass(frozen=True, eq=False)
class PETTarget:
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
    extra_names: ClassVar[tuple[str, ...]] = ("pet_scale", "pet_background")

    def __post_init__(self):
        if self.pet.shape != self.region.shape:
            raise InputError(f"the PET image has shape {self.pet.shape}, its region {self.region.shape}")

    @property
    def shape(self) -> tuple:
        return self.pet.shape

    @property
    def extra_box(self) -> Box:
        """Bounds of scale (0.50–1.02) and background (0–0.5), as in GliODIL's code."""
        return Box(np.array([0.5, 0.0]), np.array([1.02, 0.5]))

    @property
    def extra_start(self) -> Array:
        return np.array([1.0, 0.3])

    @property
    def extra_starts(self) -> list[Array]:
        return [self.extra_start]

    @property
    def visible(self) -> Array:
        return self.pet * self.region

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

    def loss(self, c: Array, extras: Array) -> float:
        """Mean squared difference in the region."""
        r = c - extras[0] * (self.pet - extras[1])
        return float(np.sum(self.region * r**2, dtype=np.float64) / max(float(self.region.sum()), 1.0))

    def torch_loss(self, c, arrays, extras):
        """The same loss on torch tensors."""
        r = c - extras[0] * (arrays["pet"] - extras[1])
        return (arrays["region"] * r**2).sum() / arrays["region"].sum().clamp(min=1.0)

    def map(self, function) -> PETTarget:
        return PETTarget(function(self.pet), function(self.region))
