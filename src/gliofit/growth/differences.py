"""Derivatives as differences of runs, for models whose equations are not differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import share

ORIGIN_STEP = 0.03
"""mm; fronts are a hundred times as wide, and 1e-6 of a density, single precision's error, is 3e-5 of a slope."""

SHARE, LEAST = 5e-4, 0.1
"""Of the other values, and the smallest value that a share is taken of."""


def steps_of(tissue: Tissue, values: Array, shares: Sequence[float] = (SHARE, SHARE, 4 * SHARE)) -> Array:
    """
    Steps [n] for one-sided differences at `values` = [x, y, z, …]; origins move away from where the grid ends.

    Parameters
    ----------
    tissue : Tissue
    values : ndarray [n]
    shares : sequence of float
        Of the values after the origin.
    """
    middle = tissue.to_world((np.array(tissue.shape) - 1) / 2)
    origin = np.where(values[:3] > middle, -ORIGIN_STEP, ORIGIN_STEP)
    return np.concatenate([origin, np.asarray(shares) * np.maximum(values[3:], LEAST)])


def side_by_side(threads: int, items: Sequence[tuple], work: Callable) -> None:
    """Call work(*item) for all, each in one thread."""

    def some(part: int, parts: int) -> None:
        for item in items[part::parts]:
            work(*item)

    if items:
        share(threads, some)
