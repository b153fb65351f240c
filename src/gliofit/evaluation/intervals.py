"""Intervals of means over patients, by bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

DRAWS = 10_000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """
    A mean with its interval.

    Parameters
    ----------
    n : int
        Values that are defined (not NaN).
    undefined : int
        Values that are not: patients without a recurrence, say. They are counted, and nothing stands in for them.
    mean, low, high : float
        NaN without values; the interval also with one.
    """

    n: int
    undefined: int
    mean: float
    low: float
    high: float


def bootstrap(values: ArrayLike, draws: int = DRAWS, level: float = LEVEL, seed: int = 0) -> Interval:
    """
    Mean of `values` (m,) and its percentile interval (Efron 1979), patients drawn with replacement.

    Parameters
    ----------
    values : array_like
        One per patient; NaN where undefined.
    draws : int
    level : float
        Of the interval.
    seed : int
    """
    given = np.asarray(values, np.float64)
    defined = given[~np.isnan(given)]
    n, missing = defined.size, int(np.isnan(given).sum())
    if n < 2:
        return Interval(n, missing, float(defined.mean()) if n else np.nan, np.nan, np.nan)
    chosen = np.random.default_rng(seed).integers(0, n, (draws, n))
    means = defined[chosen].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(n, missing, float(defined.mean()), float(low), float(high))


def paired_bootstrap(a: pd.Series, b: pd.Series, draws: int = DRAWS, level: float = LEVEL, seed: int = 0) -> Interval:
    """The same of the differences a − b, over the cases (index) that both have and that are defined in both."""
    pairs = pd.concat([a, b], axis=1, join="inner").to_numpy(np.float64)
    return bootstrap(pairs[:, 0] - pairs[:, 1], draws, level, seed)
