"""The initial density: TumorGrowthToolkit's Gaussian around a sub-voxel origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gliofit.anatomy.tissue import TISSUE_THRESHOLD, Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError

PEAK = 250.0 / (20.0 * np.pi) ** 1.5
"""Density at the origin, 0.502."""

CUT = 0.1
"""TumorGrowthToolkit sets values up to this to zero."""

FADE = (0.05, 0.15)
"""The smooth seed fades from the Gaussian to zero between these values, around the same mass as the cut one."""


class Seed(NamedTuple):
    """
    A density at t = 0, on the few voxels where it is not zero.

    Parameters
    ----------
    corner : int ndarray (3,)
        First voxel of the window.
    value : ndarray [x, y, z], float64
    slope : ndarray [3·foci, x, y, z], float64
        Derivatives by the origins in world mm.
    """

    corner: Array
    value: Array
    slope: Array


def initial_density(tissue: Tissue, origin: Sequence[float] | Array, kind: str = "smooth") -> Seed:
    """
    Density at t = 0 on the few voxels where it is not zero.

    250/(20π)^1.5 · exp(−r²/20), r in mm from the origin, in tissue only.

    Parameters
    ----------
    tissue : Tissue
    origin : array_like (3,)
        mm, in the space of the tissue's affine.
    kind : {"smooth", "tgk"}
        "smooth" fades to zero with a continuous derivative, so that the density moves smoothly with the origin;
        "tgk" cuts at 0.1 as the toolkit does (and has the derivative of what is left).
    """
    if kind not in ("smooth", "tgk"):
        raise InputError(f"unknown seed '{kind}'; there are: smooth, tgk")
    centre = tissue.to_voxel(np.asarray(origin, float))
    if np.any(centre < -0.5) or np.any(centre > np.array(tissue.shape) - 0.5):
        raise InputError(f"the origin {tuple(float(v) for v in origin)} mm lies outside the tissue grid")
    reach = np.sqrt(20 * np.log(PEAK / FADE[0])) / tissue.spacing
    low = np.maximum(np.ceil(centre - reach), 0).astype(int)
    high = np.minimum(np.floor(centre + reach) + 1, tissue.shape).astype(int)
    high = np.maximum(high, low)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    along_axes = [(np.arange(a, b) - c) * h for a, b, c, h in zip(low, high, centre, tissue.spacing, strict=True)]
    offset = np.stack(np.meshgrid(*along_axes, indexing="ij"))
    gauss = PEAK * np.exp(-(offset**2).sum(0) / 20)
    if kind == "tgk":
        shape, dshape = np.where(gauss > CUT, gauss, 0), np.where(gauss > CUT, 1.0, 0.0)
    else:
        u = np.clip((gauss - FADE[0]) / (FADE[1] - FADE[0]), 0, 1)
        fade = u * u * (3 - 2 * u)
        shape = gauss * fade
        dshape = fade + gauss * 6 * u * (1 - u) / (FADE[1] - FADE[0])
    # of the window alone, since the mask of a large grid would cost more than the run
    inside = tissue.wm[window] + tissue.gm[window] >= np.float32(TISSUE_THRESHOLD)
    # d gauss / d origin = gauss · (x − origin)/10, turned from the grid's axes to the world's
    along = np.einsum("ij,jxyz->ixyz", tissue.direction, offset)
    return Seed(low, shape * inside, dshape * gauss / 10 * inside * along)


def joined(seeds: Sequence[Seed]) -> Seed:
    """Several seeds sᵢ at once: 1 − ∏(1 − sᵢ), which is their sum where they do not overlap and never above 1."""
    if len(seeds) == 1:
        return seeds[0]
    low = np.min([s.corner for s in seeds], axis=0)
    high = np.max([s.corner + s.value.shape for s in seeds], axis=0)
    alone = np.zeros((len(seeds), *(high - low)))
    slope = np.zeros((len(seeds), 3, *(high - low)))
    for i, s in enumerate(seeds):
        x, y, z = (slice(a, a + n) for a, n in zip(s.corner - low, s.value.shape, strict=True))
        alone[i, x, y, z], slope[i, :, x, y, z] = s.value, s.slope
    for i in range(len(seeds)):
        slope[i] *= np.prod(np.delete(1 - alone, i, axis=0), axis=0)
    return Seed(low, 1 - np.prod(1 - alone, axis=0), slope.reshape(-1, *alone.shape[1:]))


def given_density(tissue: Tissue, density: Array) -> Seed:
    """
    A density at t = 0 of the caller's own, in the form of `initial_density`; its derivative by the origin is 0.

    Parameters
    ----------
    tissue : Tissue
    density : ndarray [x, y, z]
        In [0, 1]; what lies outside tissue is left out.
    """
    if np.shape(density) != tissue.shape:
        raise InputError(f"the initial density has shape {np.shape(density)}, the tissue {tissue.shape}")
    inside = np.where(tissue.mask, density, 0).astype(np.float64)
    if not (inside.min() >= 0 and inside.max() <= 1):  # NaN fails both
        raise InputError("the initial density has values outside 0 … 1")
    index = np.argwhere(inside > 0)
    low, high = (index.min(0), index.max(0) + 1) if len(index) else (np.zeros(3, int), np.zeros(3, int))
    value = inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return Seed(low, value, np.zeros((3, *value.shape)))
