"""Outlines: what T1c and FLAIR show of a density."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.given import given_array
from gliofit.base.grids import spacing_of
from gliofit.base.overlap import dice
from gliofit.growth.parameter import Parameter
from gliofit.observation.curving import curving
from gliofit.observation.label_doubts import doubts, shape_doubts
from gliofit.observation.labels import parts, relabel
from gliofit.observation.near import NearOutlines, near
from gliofit.observation.observation import Observation, SingleObservation
from gliofit.observation.outline_losses import LOSSES, SMALLEST, Histogram, OutlineLoss
from gliofit.observation.outlines import density_from_segmentation, outside, signed_distance
from gliofit.observation.partial_volume import steepness_by_voxel
from gliofit.observation.residuals import Residuals
from gliofit.observation.thresholds import FITTED, START, STARTS

STEEPNESS = 50.0
"""β of the sigmoid that blurs a threshold (GliODIL, Eq. 11)."""

SHARP = 200.0
"""
β where numbers of foci are compared. A density that hardly changes between two thresholds is within the blur of both
for many millimetres: at 50, further foci lower the loss by flattening it, not by explaining the outlines
(docs/cohort.md).
"""

THRESHOLDS = (
    Parameter("threshold_core", "", *FITTED.core, START.core, symbol="τ_core", digits=3),
    Parameter("threshold_whole", "", *FITTED.whole, START.whole, symbol="τ_whole", digits=3),
)
"""Densities at the outlines; ranges and starts: `gliofit.observation.thresholds`."""

LEVELS = 4096
"""Of a density's histogram, in which thresholds are scanned: a hundred to the width of the sigmoid."""

SCANNED = 46
"""Thresholds of a scan: 0.01 apart, half of the sigmoid's width."""


@dataclass(frozen=True, eq=False)
class SegmentationTarget(SingleObservation):
    """
    Tumour core and whole tumour are observed as super-level sets of the density, at unknown thresholds.

    T1c shows c > θ_up (core), FLAIR c > θ_down (whole tumour); a sigmoid of steepness β (GliODIL, Eqs. 11–13) makes
    the comparison smooth. Maps hold the fraction of each voxel that is labelled, so they may be resampled. A tumour
    without a core (low grade: nothing enhances) is observed through its whole outline alone: that T1c shows nothing is
    no bound on the density, as what a threshold for it would be nobody knows.

    Parameters
    ----------
    core, whole : ndarray [x, y, z]
        Fractions in [0, 1]; core (enhancing and necrotic) is part of whole.
    steepness : float
        β.
    has_core : bool, optional
        Whether there is a core to be explained; told from `core` if not given. A small one that a coarse grid loses is
        still there.
    measure : str
        The loss: "dice", "bernoulli" or "distance" (`gliofit.observation.outline_losses`).
    distances : ndarray [2, x, y, z], optional
        Distance (mm) of each voxel from core and whole tumour's outline, which "distance" needs; see `measured_by`.
    affine : ndarray (4, 4), optional
        Of the image that it was made from, for `invert` to compare with the tissue's.
    by_voxel : bool
        Blur a threshold in each voxel by the range of densities in it, where that is more than β's
        (`gliofit.observation.partial_volume`); derivatives take that range as given.
    """

    core: Array
    whole: Array
    steepness: float = STEEPNESS
    has_core: bool | None = None
    measure: str = "dice"
    distances: Array | None = None
    affine: Array | None = None
    by_voxel: bool = False

    def __post_init__(self) -> None:
        for name in ("core", "whole"):
            data = getattr(self, name)
            if not isinstance(data, np.ndarray) or data.dtype.kind != "f" or not data.dtype.isnative:
                object.__setattr__(self, name, given_array(data, name)[0].astype(np.float32))
        if self.measure not in LOSSES:
            raise InputError(f"unknown loss '{self.measure}' of a segmentation; there are: {', '.join(LOSSES)}")
        if LOSSES[self.measure].distances and self.distances is None:
            raise InputError(
                f"the loss '{self.measure}' needs distances: target.measured_by('{self.measure}', spacing)"
            )
        if self.core.shape != self.whole.shape:
            raise InputError(f"core has shape {self.core.shape}, whole tumour {self.whole.shape}")
        if self.has_core is None:
            object.__setattr__(self, "has_core", float(np.sum(self.core**2, dtype=np.float64)) >= SMALLEST)

    @classmethod
    def from_labels(cls, labels: Any, labelling: str = "brats", *, steepness: float = STEEPNESS) -> SegmentationTarget:
        """
        Outlines of a segmentation on the tissue's grid.

        Parameters
        ----------
        labels : array_like, torch tensor on the CPU, nibabel image or path [x, y, z]
            Whole numbers.
        labelling : str
            What they mean: a name ("brats", "brats2024", "hd_glio", …) or spelled out ("edema=1,core=2"); see
            `gliofit.observation.labels`. A resection cavity is no part of the outlines; in `Tissue` it must be 0.
        steepness : float
            β.

        Warns
        -----
        UserWarning
            If the parts lie where such parts do not lie, as with the numbers of another labelling.

        Raises
        ------
        InputError
            On numbers that are none of the labelling's, or a segmentation without a tumour.
        """
        seg, affine = given_array(labels, "the segmentation")
        meaning = relabel(seg, labelling)
        core, whole = parts(meaning)
        if not whole.any():
            raise InputError(f"the segmentation shows no tumour under labels '{labelling}'")
        spacing = None if affine is None else spacing_of(affine)
        name = "the segmentation"
        for doubt in [*doubts(seg, meaning, labelling, name), *shape_doubts(meaning, spacing, name)]:
            warnings.warn(doubt, stacklevel=2)
        return cls(core.astype(np.float32), whole.astype(np.float32), steepness, affine=affine)

    def measured_by(self, measure: str, spacing: ArrayLike) -> SegmentationTarget:
        """The same outlines with another loss, on a grid of `spacing` (3,), or one number, mm."""
        try:
            spacing = np.broadcast_to(np.asarray(spacing, float), 3)
        except (TypeError, ValueError):
            raise InputError(f"spacing = {spacing!r} is no voxel's edges in mm") from None
        if not (spacing > 0).all():
            raise InputError(f"spacing = {spacing.tolist()} mm must be positive")
        known = LOSSES.get(measure)
        maps = None
        if known is not None and known.distances:
            maps = np.stack([np.abs(signed_distance(o, spacing)) for o in (self.core, self.whole)]).astype(np.float32)
        return replace(self, measure=measure, distances=maps)

    @property
    def _observed(self) -> tuple[Array, ...]:
        """The outlines that are explained, in the order of `unknowns`."""
        return (self.core, self.whole) if self.has_core else (self.whole,)

    @property
    def layers(self) -> int:
        return len(self._observed)

    @property
    def unknowns(self) -> tuple[Parameter, ...]:
        return THRESHOLDS if self.has_core else THRESHOLDS[1:]

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
        return [np.array(pair[-self.layers :]) for pair in STARTS]

    @property
    def visible(self) -> Array:
        """Whole tumour plus core: the core counts twice, as it lies nearer the origin."""
        return self.core + self.whole if self.has_core else self.whole

    def visible_size(self, c: Array, extras: Array) -> float:
        return float(sum((c > threshold).sum() for threshold in extras))

    def arrays(self) -> dict[str, Array]:
        found = {"core": self.core, "whole": self.whole}
        if self.distances is not None:
            found |= {"core_distance": self.distances[0], "whole_distance": self.distances[1]}
        return found

    @cached_property
    def _loss(self) -> OutlineLoss:
        return LOSSES[self.measure](self.steepness)

    @cached_property
    def _curving(self) -> Array | None:
        return np.stack([curving(outline) for outline in self._observed]) if self.measure == "dice" else None

    def _loss_of(self, c: Array) -> OutlineLoss:
        """The loss of a density [x, y, z]."""
        return LOSSES[self.measure](steepness_by_voxel(c, self.steepness)) if self.by_voxel else self._loss

    def _compared(self, extras: Array) -> Iterator[tuple[Array, float, Array | None]]:
        """Outline, threshold and distance map of each."""
        maps = (None,) * self.layers if self.distances is None else self.distances[-self.layers :]
        return zip(self._observed, extras, maps, strict=True)

    def residuals(self, c: Array, extras: Array) -> Residuals:
        """One map per outline; of 1 − Dice, mismatch divided by the root of the size of what is compared."""
        maps = self.layers
        shape = (maps, *c.shape)
        r, slope, by_size = (np.zeros(shape, c.dtype) for _ in range(3))
        extra, size_by_extra = np.zeros((maps, *shape), c.dtype), np.zeros((maps, maps))
        loss = self._loss_of(c)
        for m, (observed, threshold, distance) in enumerate(self._compared(extras)):
            # mean(r²) over the maps is the mean of their losses
            r[m], slope[m], size = loss.residual(c, observed, threshold, distance)
            extra[m, m] = -slope[m]
            if size is not None:
                by_size[m], size_by_extra[m, m] = size, -size.sum(dtype=np.float64)
        return Residuals(r, slope, extra, by_size, size_by_extra, self._curving)

    def loss(self, c: Array, extras: Array) -> float:
        """Of `measure`, mean of the outlines."""
        loss = self._loss_of(c)
        return sum(loss.value(c, *seen) / self.layers for seen in self._compared(extras))

    def torch_loss(self, c: Any, arrays: dict[str, Any], extras: Any) -> Any:
        """The same loss on torch tensors."""
        total, loss = 0.0, self._loss
        if self.by_voxel:
            own_steepness = steepness_by_voxel(c.detach().cpu().numpy(), self.steepness)
            loss = LOSSES[self.measure](c.new_tensor(own_steepness))
        for name, own, threshold in zip(("core", "whole")[-self.layers :], self._observed, extras, strict=True):
            distance = arrays.get(f"{name}_distance")
            total = total + loss.torch_value(c, arrays[name], threshold, distance, own) / self.layers
        return total

    def best_extras(self, c: Array) -> Array:
        """
        The thresholds, within their ranges, at which a density [x, y, z] explains the outlines best.

        Each has a loss of its own, which depends on the density's histogram alone: a scan over all thresholds costs
        less than one evaluation of the loss by voxels, and finds the lowest of several minima.
        """
        from scipy.optimize import minimize_scalar  # its import takes longer than planning a patient's jobs

        level = np.minimum((c * LEVELS).astype(np.int32), LEVELS - 1).ravel()
        count = np.bincount(level, minlength=LEVELS).astype(float)
        middle = np.bincount(level, c.ravel(), LEVELS) / np.maximum(count, 1)
        found = []
        for (observed, _, distance), unknown in zip(self._compared(self.extra_start), self.unknowns, strict=True):
            o, w = observed.ravel(), None if distance is None else distance.ravel()
            some = np.flatnonzero(o)  # an outline fills a small part of a grid
            weighted = o[some] if w is None else w[some] * o[some]
            binned = (np.bincount(level[some], values, LEVELS) for values in (weighted, weighted * o[some]))
            seen = Histogram(middle, count if w is None else np.bincount(level, w, LEVELS), *binned)

            def loss(threshold, seen=seen):
                return self._loss.scan(threshold, seen)

            scanned = np.linspace(unknown.lower, unknown.upper, SCANNED)
            best = int(np.argmin(loss(scanned)))
            ends = scanned[max(best - 1, 0)], scanned[min(best + 1, SCANNED - 1)]
            refined = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-5})
            found.append(refined.x if refined.fun < loss(scanned[best]) else scanned[best])
        return np.array(found)

    def explained(self, c: Array, extras: Array) -> dict[str, float]:
        """Dice of each outline, of half a voxel and more, and the density above its threshold."""
        names = ("core", "whole tumour")[-self.layers :]
        outlines = zip(names, self._observed, extras, strict=True)
        return {name: dice(c >= threshold, observed >= 0.5) for name, observed, threshold in outlines}

    @property
    def outlined(self) -> Observation:
        return self

    def sharpened(self) -> SegmentationTarget:
        return replace(self, steepness=max(self.steepness, SHARP))

    def voxelwise(self) -> SegmentationTarget:
        return replace(self.sharpened(), by_voxel=True)

    def near(self, c: Array) -> tuple[Array | None, Observation | NearOutlines]:
        if self.measure != "dice":
            return None, self
        return near(c, self._observed, SMALLEST, self.steepness, self.by_voxel, self._curving)

    def missed(self, c: Array, extras: Array) -> list[Array]:
        return [(o >= 0.5) & (c < threshold) for o, threshold in zip(self._observed, extras, strict=True)]

    def outlines(self) -> tuple[Array, Array]:
        return self.core, self.whole

    def suggested_density(self, tissue: Tissue, extras: Array | None = None) -> Array:
        """`density_from_segmentation`, at the thresholds' starts if no others are given."""
        thresholds = {} if extras is None else dict(zip(self.extra_names, map(float, extras), strict=True))
        distances = _outside(self, tuple(tissue.spacing))
        return density_from_segmentation(self.core, self.whole, tissue, **thresholds, distances=distances)

    def map(self, function: Callable[[Array], Array]) -> SegmentationTarget:
        distances = None if self.distances is None else np.stack([function(d) for d in self.distances])
        return replace(self, core=function(self.core), whole=function(self.whole), distances=distances)


@lru_cache(maxsize=2)
def _outside(target: SegmentationTarget, spacing: tuple[float, ...]) -> tuple[Array, Array]:
    """Distances from the outlines: a search asks for the densities of several pairs of thresholds."""
    return outside(target.core, target.whole, np.array(spacing))
