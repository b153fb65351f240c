"""
How probable a scan is for a density: Ezhov 2021, Eqs. 4–7.

Outlines on T1c and FLAIR are Bernoulli, with a double logistic of the density about an unknown threshold; FET-PET is
Gaussian about an uptake that is linear in the density; so is an observed density. Images are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.posterior.compared import every, within
from gliofit.observation.density import DensityTarget
from gliofit.observation.observation import Observation
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

OUTLINE_MM = 2.0
"""Voxels of an outline count as independent at this spacing, that of the paper's grid; finer ones in proportion."""

STRIDE_MM = 6.0
"""Of a PET every third voxel of 2 mm is taken along each axis, in the paper's code; about PET's resolution."""

PET_REGION = 0.5
"""Share of a voxel in the region that a PET is compared in."""


class Terms(NamedTuple):
    """
    Of one image, on its voxels.

    Parameters
    ----------
    value : float
        Log-likelihood.
    by_density : ndarray [m]
        Its derivative by the density of each voxel.
    gradient : ndarray [k]
        … and by its own unknowns.
    rows : ndarray [m, 1 + k]
        Derivatives of residuals by the density and by the unknowns; rowsᵀ·rows is the Gauss–Newton Hessian of
        −log L, but for what `curvature` adds.
    curvature : ndarray [k, k]
    """

    value: float
    by_density: Array
    gradient: Array
    rows: Array
    curvature: Array


@dataclass(frozen=True, eq=False)
class Outline:
    """
    One outline; unknowns: threshold u_c, width σ_α.

    The probability to be seen is α = ½ + ½·sign(u − u_c)·(1 − exp(−(u − u_c)²/σ_α²)) (Eq. 6).

    Parameters
    ----------
    index : tuple of ndarray [m]
        Voxels that it is compared in.
    seen : ndarray [m]
        Fraction of each that is labelled.
    weight : float
        Independent labels per voxel.
    unknowns : tuple of str
    """

    index: tuple[Array, ...]
    seen: Array
    weight: float
    unknowns: tuple[str, str]

    def value(self, u: Array, own: Array) -> float:
        """Log-likelihood of densities u [m], in their precision: of thousands of runs this is a tenth of the time."""
        threshold, width = own.astype(u.dtype)
        away = (u - threshold) / width
        unlikely = away.dtype.type(np.log(0.5)) - away * away
        likely = np.log(1 - np.exp(unlikely))
        seen = self.seen.astype(u.dtype, copy=False)
        as_expected = np.where(away > 0, seen, 1 - seen)
        return self.weight * float(np.sum(unlikely + as_expected * (likely - unlikely), dtype=np.float64))

    def terms(self, u: Array, own: Array) -> Terms:
        """
        With derivatives.

        A voxel's part of the Hessian is Fisher's expected one, or that of √(−2·log p) as a residual where it is larger:
        of a wrong label Fisher's is nothing, and the fit of a patient rests on those.
        """
        threshold, width = own
        away = (u - threshold) / width
        squares = away * away
        fade = np.exp(-squares)
        as_expected = np.where(away > 0, self.seen, 1 - self.seen)
        likely, unlikely = np.log1p(-0.5 * fade), np.log(0.5) - squares
        log_p = as_expected * likely + (1 - as_expected) * unlikely
        # derivatives by (u − u_c)², over σ_α²
        by_square = as_expected * (0.5 * fade / (1 - 0.5 * fade)) - (1 - as_expected)
        by_density = 2 * away / width * by_square
        by_width = -2 * squares / width * by_square
        expected = 2 * squares * fade / width**2 / (1 - 0.5 * fade)
        curvature = self.weight * np.maximum(by_density**2 / np.maximum(-2 * log_p, 1e-12), expected)
        rows = np.sqrt(curvature)[:, None] * np.stack([np.ones_like(u), -np.ones_like(u), -away], 1)
        gradient = self.weight * np.array([-by_density.sum(), by_width.sum()])
        return Terms(self.weight * float(log_p.sum()), self.weight * by_density, gradient, rows, np.zeros((2, 2)))


@dataclass(frozen=True, eq=False)
class Uptake:
    """
    A PET; unknowns: scale s and background a of the uptake a + u/s, its noise σ (Eq. 7 with b = 1/s and a = 0).

    Parameters
    ----------
    index : tuple of ndarray [m]
    seen : ndarray [m]
    unknowns : tuple of str
    """

    index: tuple[Array, ...]
    seen: Array
    unknowns: tuple[str, ...] = ("pet_scale", "pet_background", "sigma")

    def value(self, u: Array, own: Array) -> float:
        scale, background, noise = own
        return _gaussian(self.seen - background - u / scale, noise)

    def terms(self, u: Array, own: Array) -> Terms:
        scale, background, noise = own
        residual = self.seen - background - u / scale
        by_mean = residual / noise**2
        slopes = np.stack([np.full_like(u, 1 / scale), -u / scale**2, np.ones_like(u)], 1)
        gradient = np.array([*(by_mean @ slopes[:, 1:]), (by_mean @ residual - u.size) / noise])
        rows = np.concatenate([slopes / noise, np.zeros((u.size, 1))], 1)
        curvature = np.diag([0, 0, 2 * u.size / noise**2])
        return Terms(_gaussian(residual, noise), by_mean / scale, gradient, rows, curvature)


@dataclass(frozen=True, eq=False)
class Seen:
    """An observed density; unknown: its noise σ."""

    index: tuple[Array, ...]
    seen: Array
    unknowns: tuple[str, ...] = ("sigma_density",)

    def value(self, u: Array, own: Array) -> float:
        return _gaussian(self.seen - u, own[0])

    def terms(self, u: Array, own: Array) -> Terms:
        (noise,) = own
        residual = self.seen - u
        gradient = np.array([(residual @ residual / noise**2 - u.size) / noise])
        rows = np.stack([np.full_like(u, 1 / noise), np.zeros_like(u)], 1)
        curvature = np.array([[2 * u.size / noise**2]])
        return Terms(_gaussian(residual, noise), residual / noise**2, gradient, rows, curvature)


def _gaussian(residual: Array, noise: float) -> float:
    return float(-0.5 * residual @ residual / noise**2 - residual.size * (np.log(noise) + 0.5 * np.log(2 * np.pi)))


class Likelihood:
    """
    Of all that was observed, on the voxels where it was.

    Parameters
    ----------
    tissue : Tissue
    target : Observation
        On the same grid. Everything but outlines, PET and densities is refused.
    centre : ndarray (3,)
        mm.
    radius : float
        Voxels of tissue within this distance (mm) of the centre count.
    outline_mm, stride_mm : float
        See `OUTLINE_MM`, `STRIDE_MM`.
    label_power : float
        Power of the outlines' likelihood.
    """

    def __init__(
        self,
        tissue: Tissue,
        target: Observation,
        centre: Array,
        radius: float,
        outline_mm: float = OUTLINE_MM,
        stride_mm: float = STRIDE_MM,
        label_power: float = 1.0,
    ):
        near = within(tissue, centre, radius) & tissue.mask
        sparse = every(near, np.maximum(np.round(stride_mm / tissue.spacing), 1).astype(int))
        weight = label_power * min(1.0, float(np.prod(tissue.spacing)) / outline_mm**3)
        self.images: list[Outline | Uptake | Seen] = []
        for part in target.parts:
            if isinstance(part, SegmentationTarget):
                index = np.nonzero(near)
                maps = (part.core, part.whole)[-part.layers :]
                for name, seen in zip(part.extra_names, maps, strict=True):
                    labels = seen[index].astype(float).clip(0, 1)
                    self.images.append(Outline(index, labels, weight, (name, "sigma_alpha")))
            elif isinstance(part, PETTarget):
                index = np.nonzero(sparse & (part.region >= PET_REGION) & (part.pet != 0))
                self.images.append(Uptake(index, part.pet[index].astype(float)))
            elif isinstance(part, DensityTarget):
                index = np.nonzero(sparse)
                self.images.append(Seen(index, part.density[index].astype(float)))
            else:
                raise InputError(
                    f"there is no likelihood of a {type(part).__name__}: outlines, PET and density have one"
                )
        self._places: list[Array] = []
        for image, before in zip(self.images, [None, *self.images], strict=False):
            same = before is not None and image.index is before.index
            self._places.append(self._places[-1] if same else np.ravel_multi_index(image.index, tissue.shape))
            if not image.seen.size:
                raise InputError(f"no voxel of tissue is left to compare the {type(image).__name__.lower()} in")

    @property
    def noise(self) -> tuple[str, ...]:
        """Names of the unknowns that are not the observation's own."""
        own = [name for image in self.images for name in image.unknowns]
        return tuple(n for n in dict.fromkeys(own) if n in ("sigma_alpha", "sigma", "sigma_density"))

    @property
    def voxels(self) -> int:
        """Data that are compared."""
        return sum(image.seen.size for image in self.images)

    def value(self, c: Array, unknowns: dict[str, float]) -> float:
        """Log-likelihood of a density [x, y, z]."""
        flat, value, before, u = np.ascontiguousarray(c).ravel(), 0.0, None, c
        for image, places in zip(self.images, self._places, strict=True):
            u = u if places is before else flat[places]
            value += image.value(u if isinstance(image, Outline) else u.astype(float), _own(image, unknowns))
            before = places
        return value

    def linearised(
        self, c: Array, jacobian: Array, unknowns: dict[str, float], names: Sequence[str]
    ) -> tuple[float, Array, Array]:
        """
        Log-likelihood, gradient and Gauss–Newton Hessian of −log L.

        Parameters
        ----------
        c : ndarray [x, y, z]
        jacobian : ndarray [n, x, y, z]
            ∂c/∂values of the growth model.
        unknowns : dict of str → float
            Of the imaging.
        names : sequence of str (n + k)
            The model's n values and the imaging's unknowns, in the order of the result.

        Returns
        -------
        value : float
        gradient : ndarray [n + k]
        matrix : ndarray [n + k, n + k]
        """
        of_model = len(jacobian)
        value, gradient = 0.0, np.zeros(len(names))
        matrix = np.zeros((len(names), len(names)))
        for image in self.images:
            own = [names.index(name) for name in image.unknowns]
            places = np.array([*range(of_model), *own])
            tangents = np.stack([by_value[image.index] for by_value in jacobian]).astype(float)
            found = image.terms(c[image.index].astype(float), _own(image, unknowns))
            value += found.value
            gradient[:of_model] += tangents @ found.by_density
            gradient[own] += found.gradient
            rows = np.concatenate([tangents * found.rows[:, 0], found.rows[:, 1:].T])
            matrix[np.ix_(places, places)] += rows @ rows.T
            matrix[np.ix_(own, own)] += found.curvature
        return value, gradient, matrix


def _own(image: Outline | Uptake | Seen, unknowns: dict[str, float]) -> Array:
    return np.array([unknowns[name] for name in image.unknowns])
