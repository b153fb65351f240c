"""Means with standard errors, and the paired test that marks a table's significant differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofit.base.arrays import Array

SIGNIFICANCE = 0.01
"""Level of the paired t-test in Weidner 2026, Tables 2 and 3."""


@dataclass(frozen=True)
class Summary:
    """
    A sample in brief.

    Parameters
    ----------
    n : int
        Values that are defined (not NaN).
    mean, median : float
    se : float
        Standard error of the mean: sample standard deviation (n − 1) / √n. NaN for n < 2.
    """

    n: int
    mean: float
    se: float
    median: float


def summarise(values: ArrayLike) -> Summary:
    """Summary of `values` (m,); NaNs are left out and lower n. All NaN if nothing is left."""
    defined = np.asarray(values, np.float64)
    defined = defined[~np.isnan(defined)]
    n = defined.size
    if n == 0:
        return Summary(0, np.nan, np.nan, np.nan)
    se = float(defined.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return Summary(n, float(defined.mean()), se, float(np.median(defined)))


def paired_t_test(a: pd.Series, b: pd.Series) -> tuple[float, int]:
    """
    Two-sided paired t-test between two methods on the cases that both have.

    Parameters
    ----------
    a, b : Series
        Values indexed by case. In the paper one method has 25 cases and the others 500: only the 25 make pairs.

    Returns
    -------
    p : float
        1 if all differences are zero (identical results); NaN with fewer than two pairs.
    n : int
        Number of pairs.
    """
    a, b = _pairs(a, b)
    n = len(a)
    if n < 2:
        return float("nan"), n
    spread = np.ptp(a - b)
    if spread == 0:  # scipy divides by it: no difference at all, or the limit of one without any scatter
        return float((a == b).all()), n
    from scipy import stats  # takes longer to import than the workflow to plan a patient's jobs

    return float(stats.ttest_rel(a, b).pvalue), n


def signed_rank_test(a: pd.Series, b: pd.Series) -> tuple[float, int]:
    """
    Two-sided Wilcoxon signed-rank test between two methods on the cases that both have.

    For values that span decades, such as the share of cells that a plan misses, whose mean a single case can make.
    Parameters and result as for `paired_t_test`; pairs without a difference are left out of the ranks.
    """
    a, b = _pairs(a, b)
    n = len(a)
    if n < 2:
        return float("nan"), n
    if (a == b).all():
        return 1.0, n
    from scipy import stats

    return float(stats.wilcoxon(a, b).pvalue), n


def _pairs(a: pd.Series, b: pd.Series) -> tuple[Array, Array]:
    """Values (m,) each, float64, of the cases that both series have and that are defined in both."""
    pairs = pd.concat([a, b], axis=1, join="inner").dropna().to_numpy(np.float64)
    return pairs[:, 0], pairs[:, 1]


PAIRED_TESTS = {"paired t-test": paired_t_test, "Wilcoxon signed-rank test": signed_rank_test}
"""By the name that a table's caption has."""
