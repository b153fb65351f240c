"""
How far a density is from an outline: three losses, each with what searches need of it.

A loss compares where a density c is above a threshold τ with the fraction o of each voxel that is labelled. All depend
on c − τ alone, so that the slope by the threshold is that by the density with the other sign.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from gliofit.base.arrays import Array

SMALLEST = 1.0
"""Voxels; an outline of less is none."""

SIGMA = 0.05
"""Width of the double logistic in density, about that of the sigmoid of the other losses."""


class Residual(NamedTuple):
    """Of one outline: a map whose mean square is its loss, and derivatives as in `gliofit.observation.residuals`."""

    r: Array
    by_density: Array
    size_by_density: Array | None = None


class Histogram(NamedTuple):
    """A density by levels: mean density, Σw, Σw·o and Σw·o² of each; `sizes` is what a loss divides by."""

    middle: Array
    voxels: Array
    inside: Array
    squares: Array


class OutlineLoss(ABC):
    """A loss of one outline; maps are [x, y, z], `weight` is the distance (mm) of each voxel from the outline."""

    name: str
    distances = False
    """Whether it needs the outlines' distance maps."""

    def __init__(self, steepness: Any):
        self.steepness = steepness

    @abstractmethod
    def residual(self, c: Array, o: Array, threshold: float, weight: Array | None) -> Residual:
        """The loss as squares."""

    @abstractmethod
    def torch_value(self, c: Any, o: Any, threshold: Any, weight: Any, own: Array) -> Any:
        """The loss on torch tensors; `own` is o as an array."""

    @abstractmethod
    def scan(self, thresholds: Array, seen: Histogram) -> Array:
        """The loss, up to what does not depend on the threshold, at each of several."""

    def value(self, c: Array, o: Array, threshold: float, weight: Array | None) -> float:
        """The loss."""
        return float(np.mean(np.square(self.residual(c, o, threshold, weight).r), dtype=np.float64))


class Dice(OutlineLoss):
    """
    1 − Dice, in [0, 1].

    Of fractions: Σ(s − o)²/(Σs² + Σo²) with s the sigmoid of β(c − τ), which is 1 − Dice where both are 0 or 1. The
    sigmoid is not quite 0 where there are no cells (0.01 at a threshold of 0.1, 0.08 at 0.05), which on a large grid
    speaks against the lowest thresholds.
    """

    name = "dice"

    def residual(self, c: Array, o: Array, threshold: float, weight: Array | None) -> Residual:
        s = expit(self.steepness * (c - c.dtype.type(threshold)))
        size = float(np.sum(s**2, dtype=np.float64)) + size_of(o)
        scale = c.dtype.type(np.sqrt(s.size / size))
        ds = self.steepness * s * (1 - s)
        return Residual(scale * (s - o), scale * ds, s * ds / size)

    def value(self, c: Array, o: Array, threshold: float, weight: Array | None) -> float:
        s = expit(self.steepness * (c - c.dtype.type(threshold)))
        size = float(np.sum(s**2, dtype=np.float64)) + size_of(o)
        return float(np.sum((s - o) ** 2, dtype=np.float64)) / size

    def torch_value(self, c: Any, o: Any, threshold: Any, weight: Any, own: Array) -> Any:
        import torch

        s = torch.sigmoid(self.steepness * (c - threshold))
        return ((s - o) ** 2).sum() / ((s**2).sum() + size_of(own))

    def scan(self, thresholds: Array, seen: Histogram) -> Array:
        s = expit(self.steepness * (seen.middle - np.asarray(thresholds)[..., None]))
        predicted, observed = (s * s) @ seen.voxels, seen.squares.sum()
        return (predicted - 2 * (s @ seen.inside) + observed) / np.maximum(predicted + observed, 1e-12)


class Bernoulli(OutlineLoss):
    """
    Negative log-likelihood of labels drawn voxel by voxel (Lipková 2019, Eq. 6; Ezhov 2021), per labelled voxel.

    A voxel is labelled with the probability α = ½ + ½·sign(c − τ)·(1 − exp(−(c − τ)²/σ²)); −log α grows with (c − τ)²,
    so that a density far below the threshold still has a slope. Of fractions, less what no α goes below.
    """

    name = "bernoulli"

    def residual(self, c: Array, o: Array, threshold: float, weight: Array | None) -> Residual:
        d = (c - c.dtype.type(threshold)).astype(np.float64)
        inside, outside, slope = _log_probabilities(d)
        e = np.maximum(-o * inside - (1 - o) * outside + xlogy(o, o) + xlogy(1 - o, 1 - o), 0)
        scale = np.sqrt(d.size / size_of(o))
        r = np.sqrt(e)
        # ∂e/∂c = −o·∂log α − (1 − o)·∂log(1 − α), by r: ∂r = ∂e/2r
        de = -o * slope[0] - (1 - o) * slope[1]
        by_density = np.where(r > 1e-6, de / (2 * np.maximum(r, 1e-6)), 0)
        return Residual((scale * r).astype(c.dtype), (scale * by_density).astype(c.dtype))

    def torch_value(self, c: Any, o: Any, threshold: Any, weight: Any, own: Array) -> Any:
        import torch

        d = c - threshold
        tail = torch.exp(-((d / SIGMA) ** 2)) / 2
        near, far = torch.log1p(-tail), -((d / SIGMA) ** 2) - float(np.log(2))
        inside, outside = torch.where(d > 0, near, far), torch.where(d > 0, far, near)
        constant = float(np.sum(xlogy(own, own) + xlogy(1 - own, 1 - own), dtype=np.float64))
        return (constant - (o * inside + (1 - o) * outside).sum()) / size_of(own)

    def scan(self, thresholds: Array, seen: Histogram) -> Array:
        inside, outside, _ = _log_probabilities(seen.middle - np.asarray(thresholds)[..., None])
        return -(inside @ seen.inside + outside @ (seen.voxels - seen.inside)) / max(
            float(seen.squares.sum()), SMALLEST
        )


class Distance(OutlineLoss):
    """
    Mean squared distance between the isodensity and the outline over the outline's surface, mm².

    2·Σ|φ|·(s − o)² over the outline's area, φ the signed distance from the outline: where an isodensity lies d off, the
    integral of 2|φ| across the gap is d².
    """

    name = "distance"
    distances = True

    def residual(self, c: Array, o: Array, threshold: float, weight: Array | None) -> Residual:
        assert weight is not None
        s = expit(self.steepness * (c - c.dtype.type(threshold)))
        scale = np.sqrt(2 * weight * (s.size / area_of(o, weight))).astype(c.dtype)
        return Residual(scale * (s - o), scale * self.steepness * s * (1 - s))

    def torch_value(self, c: Any, o: Any, threshold: Any, weight: Any, own: Array) -> Any:
        import torch

        s = torch.sigmoid(self.steepness * (c - threshold))
        shell = weight.detach().cpu().numpy()
        return (2 * weight * (s - o) ** 2).sum() / area_of(own, shell)

    def scan(self, thresholds: Array, seen: Histogram) -> Array:
        s = expit(self.steepness * (seen.middle - np.asarray(thresholds)[..., None]))
        return (s * s) @ seen.voxels - 2 * (s @ seen.inside) + seen.squares.sum()


LOSSES: dict[str, type[OutlineLoss]] = {loss.name: loss for loss in (Dice, Bernoulli, Distance)}


def size_of(o: Array) -> float:
    """Of an outline, voxels."""
    return max(float(np.sum(o**2, dtype=np.float64)), SMALLEST)


SHELL_MM = 4.0
"""An outline's area is measured in a shell of this half width around it: a coarse grid has no surface."""


def area_of(o: Array, weight: Array) -> float:
    """Of an outline, in voxels per mm: those nearer to it than `SHELL_MM` (0 is off a grid), over the shell's width."""
    return max(float(np.count_nonzero((weight > 0) & (weight < SHELL_MM))) / (2 * SHELL_MM), SMALLEST)


def _log_probabilities(d: Array) -> tuple[Array, Array, tuple[Array, Array]]:
    """Logarithms of α and 1 − α at c − τ = d, and their derivatives by d."""
    tail = np.exp(-((d / SIGMA) ** 2)) / 2
    near, far = np.log1p(-tail), -((d / SIGMA) ** 2) - np.log(2)
    by_near, by_far = tail / (1 - tail) * 2 * d / SIGMA**2, -2 * d / SIGMA**2
    above = d > 0
    return (
        np.where(above, near, far),
        np.where(above, far, near),
        (np.where(above, by_near, by_far), np.where(above, by_far, by_near)),
    )
