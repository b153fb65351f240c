"""The cell density itself is observed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.given import given_array
from gliofit.observation.observation import SingleObservation
from gliofit.observation.residuals import Residuals
from gliofit.observation.segmentation import THRESHOLDS


@dataclass(frozen=True, eq=False)
class DensityTarget(SingleObservation):
    """
    The cell density itself is observed (the paper's protocol, Weidner 2026 Sec. 2).

    Parameters
    ----------
    density : ndarray [x, y, z]
        In [0, 1], on the tissue grid.
    """

    density: Array
    complete: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.density, np.ndarray):
            object.__setattr__(self, "density", given_array(self.density, "the density")[0].astype(np.float32))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.density.shape

    @property
    def visible(self) -> Array:
        return self.density

    def visible_size(self, c: Array, extras: Sequence[float] | Array = ()) -> float:
        return float(c.sum(dtype=np.float64))

    def arrays(self) -> dict[str, Array]:
        return {"density": self.density}

    def residuals(self, c: Array, extras: Sequence[float] | Array = ()) -> Residuals:
        """Residuals whose mean square is the loss (MSE)."""
        r = (c - self.density)[None]
        return Residuals(r, np.ones_like(r), np.zeros((0, *r.shape), r.dtype))

    def loss(self, c: Array, extras: Sequence[float] | Array = ()) -> float:
        """Mean squared error over the grid."""
        return float(np.mean((c - self.density) ** 2, dtype=np.float64))

    def torch_loss(self, c: Any, arrays: dict[str, Any], extras: Any) -> Any:
        return ((c - arrays["density"]) ** 2).mean()

    def outlines(self) -> tuple[Array, Array]:
        """Its super-level sets at the thresholds that searches of a segmentation start from."""
        core, whole = ((self.density >= u.start).astype(np.float32) for u in THRESHOLDS)
        return core, whole

    def suggested_density(self, tissue: Tissue, extras: Array | None = None) -> Array:
        return self.density

    def map(self, function: Callable[[Array], Array]) -> DensityTarget:
        return DensityTarget(function(self.density))
