"""The cell density itself is observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.observation.residuals import Residuals


@dataclass(frozen=True, eq=False)
class DensityTarget:
    """
    The cell density itself is observed (the paper's protocol, Weidner 2026 Sec. 2).

    Parameters
    ----------
    density : ndarray [x, y, z]
        In [0, 1], on the tissue grid.
    """

    density: Array
    extra_names: ClassVar[tuple[str, ...]] = ()

    @property
    def shape(self) -> tuple:
        return self.density.shape

    @property
    def extra_box(self) -> Box | None:
        return None

    @property
    def extra_start(self) -> Array:
        return np.zeros(0)

    @property
    def extra_starts(self) -> list[Array]:
        return [self.extra_start]

    @property
    def visible(self) -> Array:
        """Weights of the visible tumour, for its centre of mass."""
        return self.density

    def arrays(self) -> dict[str, Array]:
        return {"density": self.density}

    def residuals(self, c: Array, extras: Array = ()) -> Residuals:
        """Residuals whose mean square is the loss (MSE)."""
        r = (c - self.density)[None]
        return Residuals(r, np.ones_like(r), np.zeros((0, *r.shape), r.dtype))

    def loss(self, c: Array, extras: Array = ()) -> float:
        """Mean squared error over the grid."""
        return float(np.mean((c - self.density) ** 2, dtype=np.float64))

    def torch_loss(self, c, arrays, extras):
        """The same loss on torch tensors: `arrays` as from `arrays()`, on c's device."""
        return ((c - arrays["density"]) ** 2).mean()

    def map(self, function) -> DensityTarget:
        """The target with each array passed through `function` (crop, resample)."""
        return DensityTarget(function(self.density))
