"""
Observation models: what a scan shows of the cell density.

A target turns a density on the tissue grid into residuals, with derivatives, and into a scalar loss that every
inversion method minimises. Unknowns of the imaging itself (thresholds, PET scale and offset) are the target's
`extras`: named, bounded, and appended to θ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gliofit import grids
from gliofit.errors import InputError
from gliofit.theta import Box

Array = np.ndarray

STEEPNESS = 50.0
"""β of the sigmoid that blurs a threshold (GliODIL, Eq. 11)."""


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


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
    def visible(self) -> Array:
        """Weights of the visible tumour, for its centre of mass."""
        return self.density

    def arrays(self) -> dict[str, Array]:
        return {"density": self.density}

    def residuals(self, c: Array, extras: Array = ()) -> tuple[Array, Array, Array]:
        """
        Residuals whose mean square is the loss (MSE).

        Returns
        -------
        r, dr_dc : ndarray [m, x, y, z]
            Residual maps and their pointwise derivative by the density.
        dr_dextra : ndarray [k, m, x, y, z]
        """
        r = (c - self.density)[None]
        return r, np.ones_like(r), np.zeros((0, *r.shape), r.dtype)

    def loss(self, c: Array, extras: Array = ()) -> float:
        """Mean squared error over the grid."""
        return float(np.mean((c - self.density) ** 2, dtype=np.float64))

    def torch_loss(self, c, arrays, extras):
        """The same loss on torch tensors: `arrays` as from `arrays()`, on c's device."""
        return ((c - arrays["density"]) ** 2).mean()

    def map(self, function) -> DensityTarget:
        """The target with each array passed through `function` (crop, resample)."""
        return DensityTarget(function(self.density))


@dataclass(frozen=True, eq=False)
class SegmentationTarget:
    """
    Tumour core and whole tumour are observed as super-level sets of the density, at unknown thresholds.

    T1c shows c > θ_up (core), FLAIR c > θ_down (whole tumour); a sigmoid of steepness β (GliODIL, Eqs. 11–13) makes
    the comparison smooth. Maps hold the fraction of each voxel that is labelled, so they may be resampled.

    Parameters
    ----------
    core, whole : ndarray [x, y, z]
        Fractions in [0, 1]; core (enhancing and necrotic) is part of whole.
    steepness : float
        β.
    """

    core: Array
    whole: Array
    steepness: float = STEEPNESS
    extra_names: ClassVar[tuple[str, ...]] = ("threshold_core", "threshold_whole")

    def __post_init__(self):
        if self.core.shape != self.whole.shape:
            raise InputError(f"core has shape {self.core.shape}, whole tumour {self.whole.shape}")

    @property
    def shape(self) -> tuple:
        return self.core.shape

    @property
    def extra_box(self) -> Box:
        """Bounds of the thresholds (core 0.5–0.85, whole tumour 0.05–0.5; LMI, Sec. 3)."""
        return Box(np.array([0.5, 0.05]), np.array([0.85, 0.5]))

    @property
    def extra_start(self) -> Array:
        return np.array([0.65, 0.25])

    @property
    def visible(self) -> Array:
        """Whole tumour plus core: the core counts twice, as it lies nearer the origin."""
        return self.core + self.whole

    def arrays(self) -> dict[str, Array]:
        return {"core": self.core, "whole": self.whole}

    def residuals(self, c: Array, extras: Array) -> tuple[Array, Array, Array]:
        """As `DensityTarget.residuals`; two maps (core, whole), scaled so that each compares within the tumour."""
        maps = (self.core, self.whole)
        r = np.empty((2, *c.shape), c.dtype)
        slope = np.empty_like(r)
        extra = np.zeros((2, 2, *c.shape), c.dtype)
        for m, (observed, threshold) in enumerate(zip(maps, extras, strict=True)):
            scale = self._scale(observed)
            s = _sigmoid(self.steepness * (c - c.dtype.type(threshold)))
            r[m] = scale * (s - observed)
            slope[m] = scale * self.steepness * s * (1 - s)
            extra[m, m] = -slope[m]
        return r, slope, extra

    def _scale(self, observed: Array) -> float:
        # makes mean(r²) the squared mismatch relative to the observed volume, averaged over both maps
        return float(np.sqrt(observed.size / max(float(observed.sum()), 1.0)))

    def loss(self, c: Array, extras: Array) -> float:
        """Mismatched volume relative to the observed one, mean of core and whole tumour (about 1 − Dice near a fit)."""
        total = 0.0
        for observed, threshold in zip((self.core, self.whole), extras, strict=True):
            s = _sigmoid(self.steepness * (c - c.dtype.type(threshold)))
            total += self._scale(observed) ** 2 * float(np.mean((s - observed) ** 2, dtype=np.float64)) / 2
        return total

    def torch_loss(self, c, arrays, extras):
        """The same loss on torch tensors."""
        import torch

        total = 0.0
        for name, threshold in zip(("core", "whole"), extras, strict=True):
            s = torch.sigmoid(self.steepness * (c - threshold))
            total = total + self._scale(getattr(self, name)) ** 2 * ((s - arrays[name]) ** 2).mean() / 2
        return total

    def map(self, function) -> SegmentationTarget:
        return SegmentationTarget(function(self.core), function(self.whole), self.steepness)


def resample_target(target, affine: Array, shape: tuple, grid: Array):
    """A target on another grid (volume averages when coarser)."""
    return target.map(lambda a: grids.resample(a, affine, shape, grid))
