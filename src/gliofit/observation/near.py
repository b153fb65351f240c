"""
Outlines compared where there is something to compare: cells, or a part of an outline.

A search compares densities with outlines hundreds of times, and most of a grid is air. There the sigmoid of the density
has one value, which depends on the threshold alone; so one voxel can stand for all of these. Loss, gradient and
Gauss–Newton matrix are those of the whole grid to 10⁻⁵ of themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from gliofit.base.arrays import Array
from gliofit.observation.partial_volume import steepness_by_voxel
from gliofit.observation.residuals import Residuals

FAINTEST = 1e-7
"""Density below which a voxel counts as without cells; half of the voxels of a run that have any have less."""


@dataclass(frozen=True, eq=False)
class NearOutlines:
    """
    1 − Dice of outlines in some voxels of a grid, of which one may stand for many.

    Parameters
    ----------
    observed : sequence of ndarray [voxels]
        Each outline's fraction of the voxels.
    sizes : sequence of float
        What each outline adds to what its loss is divided by.
    weight : ndarray [voxels]
        Root of the number of voxels that each stands for; where that is not 1, nothing was observed.
    steepness : float or ndarray [voxels]
        Of the sigmoid.
    curving : ndarray [outlines, voxels], optional
        As in `Residuals`.
    """

    observed: Sequence[Array]
    sizes: Sequence[float]
    weight: Array
    steepness: float | Array
    curving: Array | None = None

    def residuals(self, c: Array, extras: Array) -> Residuals:
        """As `Observation.residuals`, of a density [voxels]."""
        maps = len(self.observed)
        shape = (maps, *c.shape)
        r, slope, by_size = (np.empty(shape, c.dtype) for _ in range(3))
        extra, size_by_extra = np.zeros((maps, *shape), c.dtype), np.zeros((maps, maps))
        for m, (observed, own, threshold) in enumerate(zip(self.observed, self.sizes, extras, strict=True)):
            plain = expit(self.steepness * (c - c.dtype.type(threshold)))
            s = self.weight * plain
            size = float(np.sum(s**2, dtype=np.float64)) + own
            scale = float(np.sqrt(s.size / size))
            ds = self.steepness * s * (1 - plain)
            r[m], slope[m] = scale * (s - observed), scale * ds
            by_size[m] = s * ds / size
            extra[m, m], size_by_extra[m, m] = -slope[m], -by_size[m].sum(dtype=np.float64)
        return Residuals(r, slope, extra, by_size, size_by_extra, self.curving)

    def loss(self, c: Array, extras: Array) -> float:
        """As `Observation.loss`, of a density [voxels]."""
        total = 0.0
        for observed, own, threshold in zip(self.observed, self.sizes, extras, strict=True):
            s = self.weight * expit(self.steepness * (c - c.dtype.type(threshold)))
            size = float(np.sum(s**2, dtype=np.float64)) + own
            total += float(np.sum((s - observed) ** 2, dtype=np.float64)) / size
        return total / len(self.observed)


def near(
    c: Array,
    observed: Sequence[Array],
    smallest: float,
    steepness: float,
    by_voxel: bool = False,
    curving: Array | None = None,
) -> tuple[Array, NearOutlines]:
    """
    Where a density [x, y, z] is to be compared, as flat indices, and the outlines there.

    Parameters
    ----------
    c : ndarray [x, y, z]
    observed : sequence of ndarray [x, y, z]
    smallest : float
        Voxels; an outline of less counts as so many.
    steepness : float
    by_voxel : bool
        Blur each voxel's threshold by the densities in it (`steepness_by_voxel`).
    curving : ndarray [outlines, x, y, z], optional
        As in `Residuals`.
    """
    here = c.ravel() > FAINTEST
    for outline in observed:
        here |= outline.ravel() > 0
    apart = here.size - int(np.count_nonzero(here))
    one = int(np.argmin(here))
    here[one] = True
    index = np.flatnonzero(here)
    weight = np.ones(index.size, c.dtype)
    if apart:
        weight[np.searchsorted(index, one)] = np.sqrt(apart)
    outlines = [outline.ravel()[index] for outline in observed]
    sizes = [max(float(np.sum(outline**2, dtype=np.float64)), smallest) for outline in outlines]
    beta = steepness_by_voxel(c, steepness, index) if by_voxel else steepness
    shares = None if curving is None else curving.reshape(len(curving), -1)[:, index]
    return index, NearOutlines(outlines, sizes, weight, beta, shares)
