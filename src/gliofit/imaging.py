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
from scipy.special import expit

from gliofit.errors import InputError
from gliofit.theta import Box

Array = np.ndarray

STEEPNESS = 50.0
"""β of the sigmoid that blurs a threshold (GliODIL, Eq. 11)."""

SMALLEST = 1.0
"""Voxels; an outline of less is none, and what is predicted in its place counts relative to the whole tumour."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """
    Residual maps with their derivatives, for Gauss–Newton; the mean of their squares is a target's loss.

    Parameters
    ----------
    r, by_density : ndarray [m, x, y, z]
        Maps, and their pointwise derivative by the density.
    by_extra : ndarray [k, m, x, y, z]
        Their derivative by the extras.
    size_by_density : ndarray [m, x, y, z], optional
        Where a map is divided by a scalar that itself depends on the density: the derivative of that scalar's logarithm
        by each voxel's density, which `by_density` leaves out. Complete: ∂r = by_density·∂c − r·Σ size_by_density·∂c.
    size_by_extra : ndarray [k, m], optional
        Likewise by the extras.
    """

    r: Array
    by_density: Array
    by_extra: Array
    size_by_density: Array | None = None
    size_by_extra: Array | None = None


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
        for name, threshold in zip(("core", "whole"), extras, strict=True):
            s = torch.sigmoid(self.steepness * (c - threshold))
            size, _ = self._size((s**2).sum(), getattr(self, name))
            total = total + ((s - arrays[name]) ** 2).sum() / size / 2
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

    def map(self, function) -> SegmentationTarget:
        return SegmentationTarget(function(self.core), function(self.whole), self.steepness)


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


@dataclass(frozen=True, eq=False)
class JointTarget:
    """
    Several observations of one tumour: the losses add, weighted, and the extras follow one another.

    Parameters
    ----------
    parts : tuple of targets
        On the same grid; the first says where the tumour is.
    weights : tuple of float
        Of the parts' losses.
    """

    parts: tuple
    weights: tuple[float, ...]

    def __post_init__(self):
        if len(self.parts) != len(self.weights) or not self.parts:
            raise InputError(f"{len(self.parts)} observations but {len(self.weights)} weights")
        if len({part.shape for part in self.parts}) > 1:
            raise InputError(f"observations differ in shape: {[part.shape for part in self.parts]}")

    @property
    def shape(self) -> tuple:
        return self.parts[0].shape

    @property
    def extra_names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.extra_names)

    @property
    def extra_box(self) -> Box | None:
        boxes = [part.extra_box for part in self.parts if part.extra_box is not None]
        if not boxes:
            return None
        return Box(np.concatenate([b.lower for b in boxes]), np.concatenate([b.upper for b in boxes]))

    @property
    def extra_start(self) -> Array:
        return np.concatenate([part.extra_start for part in self.parts])

    @property
    def extra_starts(self) -> list[Array]:
        """The first part's starts, each with the others' defaults."""
        rest = [part.extra_start for part in self.parts[1:]]
        return [np.concatenate([first, *rest]) for first in self.parts[0].extra_starts]

    @property
    def visible(self) -> Array:
        return self.parts[0].visible

    def _split(self, extras: Array) -> list[slice]:
        ends = np.cumsum([len(part.extra_names) for part in self.parts])
        return [slice(end - len(part.extra_names), end) for part, end in zip(self.parts, ends, strict=True)]

    def arrays(self) -> dict[str, Array]:
        return {f"{i}.{name}": a for i, part in enumerate(self.parts) for name, a in part.arrays().items()}

    def residuals(self, c: Array, extras: Array) -> Residuals:
        """The parts' maps one after another, scaled so that mean(r²) is the loss."""
        found = [
            (part.residuals(c, extras[here]), here) for part, here in zip(self.parts, self._split(extras), strict=True)
        ]
        maps = sum(len(own.r) for own, _ in found)
        r, slope, by_size = (np.zeros((maps, *c.shape), c.dtype) for _ in range(3))
        extra = np.zeros((len(extras), maps, *c.shape), c.dtype)
        size_by_extra = np.zeros((len(extras), maps))
        at = 0
        for (own, here), weight in zip(found, self.weights, strict=True):
            factor = c.dtype.type(np.sqrt(weight * maps / len(own.r)))
            place = slice(at, at + len(own.r))
            r[place], slope[place], extra[here, place] = factor * own.r, factor * own.by_density, factor * own.by_extra
            if own.size_by_density is not None:
                by_size[place], size_by_extra[here, place] = own.size_by_density, own.size_by_extra
            at += len(own.r)
        return Residuals(r, slope, extra, by_size, size_by_extra)

    def loss(self, c: Array, extras: Array) -> float:
        """Weighted sum of the parts' losses."""
        parts = zip(self.parts, self.weights, self._split(extras), strict=True)
        return sum(weight * part.loss(c, extras[here]) for part, weight, here in parts)

    def torch_loss(self, c, arrays, extras):
        """The same loss on torch tensors."""
        total = 0.0
        for i, (part, weight, here) in enumerate(zip(self.parts, self.weights, self._split(extras), strict=True)):
            own = {name: arrays[f"{i}.{name}"] for name in part.arrays()}
            total = total + weight * part.torch_loss(c, own, extras[here])
        return total

    def map(self, function) -> JointTarget:
        return JointTarget(tuple(part.map(function) for part in self.parts), self.weights)
