"""Outlines: what T1c and FLAIR show of a density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.model import Parameter
from gliofit.observation.observation import SingleObservation
from gliofit.observation.outlines import density_from_segmentation
from gliofit.observation.residuals import Residuals

STEEPNESS = 50.0
"""β of the sigmoid that blurs a threshold (GliODIL, Eq. 11)."""


THRESHOLDS = (
    Parameter("threshold_core", "", 0.5, 0.85, 0.65, symbol="τ_core", digits=3),
    Parameter("threshold_whole", "", 0.05, 0.5, 0.25, symbol="τ_whole", digits=3),
)
"""Densities at the outlines: ranges of Learn-Morph-Infer (Sec. 3), starts of Weidner 2026."""

SMALLEST = 1.0
"""Voxels; an outline of less is none, and what is predicted in its place counts relative to the whole tumour."""


@dataclass(frozen=True, eq=False)
class SegmentationTarget(SingleObservation):
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
    kind: ClassVar[str] = "segmentation"
    layers: ClassVar[int] = 2

    def __post_init__(self):
        if self.core.shape != self.whole.shape:
            raise InputError(f"core has shape {self.core.shape}, whole tumour {self.whole.shape}")

    @property
    def unknowns(self) -> tuple[Parameter, ...]:
        return THRESHOLDS

    @property
    def shape(self) -> tuple[int, ...]:
        return self.core.shape

    @property
    def extra_starts(self) -> list[Array]:
        """
        Starts for searches that can get stuck: thresholds close to each other, and far apart.

        Between them lies a ridge: a wide front seen at two close thresholds looks like a narrow one seen at two
        distant ones.
        """
        return [np.array([0.55, 0.25]), np.array([0.8, 0.1])]

    @property
    def visible(self) -> Array:
        """Whole tumour plus core: the core counts twice, as it lies nearer the origin."""
        return self.core + self.whole

    def visible_size(self, c: Array, extras: Array) -> float:
        core, whole = extras
        return float((c > core).sum() + (c > whole).sum())

    def arrays(self) -> dict[str, Array]:
        return {"core": self.core, "whole": self.whole}

    def residuals(self, c: Array, extras: Array) -> Residuals:
        """Two maps (core, whole tumour): mismatch divided by the root of the size of what is compared."""
        shape = (2, *c.shape)
        r, slope, by_size = (np.empty(shape, c.dtype) for _ in range(3))
        extra, size_by_extra = np.zeros((2, *shape), c.dtype), np.zeros((2, 2))
        for m, (observed, threshold) in enumerate(zip((self.core, self.whole), extras, strict=True)):
            s = expit(self.steepness * (c - c.dtype.type(threshold)))
            predicted = float(np.sum(s**2, dtype=np.float64))
            size, depends = self._size(predicted, observed)
            # mean(r²) over both maps is the mean of their losses
            scale = float(np.sqrt(s.size / size))
            ds = self.steepness * s * (1 - s)
            r[m], slope[m] = scale * (s - observed), scale * ds
            by_size[m] = s * ds / size if depends else 0
            extra[m, m], size_by_extra[m, m] = -slope[m], -by_size[m].sum(dtype=np.float64)
        return Residuals(r, slope, extra, by_size, size_by_extra)

    def loss(self, c: Array, extras: Array) -> float:
        """
        1 − Dice, mean of core and whole tumour, in [0, 1].

        Of fractions: Σ(s − o)²/(Σs² + Σo²), which is 1 − Dice where both are 0 or 1. The sigmoid is not quite 0 where
        there are no cells (0.01 at a threshold of 0.1, 0.08 at 0.05), which on a large grid speaks against the lowest
        thresholds.
        """
        total = 0.0
        for observed, threshold in zip((self.core, self.whole), extras, strict=True):
            s = expit(self.steepness * (c - c.dtype.type(threshold)))
            size, _ = self._size(float(np.sum(s**2, dtype=np.float64)), observed)
            total += float(np.sum((s - observed) ** 2, dtype=np.float64)) / size / 2
        return total

    def torch_loss(self, c, arrays, extras):
        """The same loss on torch tensors."""
        import torch

        total = 0.0
        observed = (self.core, arrays["core"]), (self.whole, arrays["whole"])
        for (own, seen), threshold in zip(observed, extras, strict=True):
            s = torch.sigmoid(self.steepness * (c - threshold))
            size, _ = self._size((s**2).sum(), own)
            total = total + ((s - seen) ** 2).sum() / size / 2
        return total

    def _size(self, predicted, observed: Array):
        """
        Σs² + Σo², given Σs²: the sum of the volumes, in voxels, of what is compared; and whether it depends on s.

        Where nothing is observed, that of the whole tumour instead: the mismatch relative to itself would be 1 whatever
        is predicted.
        """
        own = float(np.sum(observed**2, dtype=np.float64))
        if own >= SMALLEST:
            return predicted + own, True
        return max(float(np.sum(self.whole**2, dtype=np.float64)), SMALLEST), False

    def outlines(self) -> tuple[Array, Array]:
        return self.core, self.whole

    def suggested_density(self, tissue: Tissue, extras: Array | None = None) -> Array:
        """`density_from_segmentation`, at the thresholds' starts if no others are given."""
        thresholds = () if extras is None else extras
        return density_from_segmentation(self.core, self.whole, tissue, *thresholds)

    def map(self, function: Callable[[Array], Array]) -> SegmentationTarget:
        return SegmentationTarget(function(self.core), function(self.whole), self.steepness)
