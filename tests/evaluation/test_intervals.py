"""Bootstrap intervals: cover the truth as often as they say, and count what is undefined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofit.evaluation.intervals import bootstrap, paired_bootstrap


def test_undefined_values_are_counted_and_left_out():
    found = bootstrap([0.2, np.nan, 0.4, np.nan, 0.9])
    assert (found.n, found.undefined) == (3, 2)
    assert found.mean == pytest.approx(0.5)
    assert 0.2 <= found.low < found.mean < found.high <= 0.9
    assert bootstrap([0.2, np.nan, 0.4, np.nan, 0.9]) == found  # seeded
    assert np.isnan(bootstrap([np.nan]).mean)
    one = bootstrap([0.3])
    assert one.mean == 0.3
    assert np.isnan(one.low)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(3)
    held = [(i := bootstrap(rng.normal(1, 2, 30), draws=500)).low < 1 < i.high for _ in range(200)]
    assert 0.86 < np.mean(held) < 0.99
    wide, narrow = (bootstrap(np.arange(20.0), level=level) for level in (0.99, 0.5))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_differences_are_of_pairs():
    a, b = pd.Series([1.0, 2.0, 3.0, np.nan], list("abcd")), pd.Series([0.5, 1.5, 2.5, 1.0, 9.0], list("abcde"))
    found = paired_bootstrap(a, b)
    assert (found.n, found.undefined) == (3, 1)
    assert found.mean == found.low == found.high == pytest.approx(0.5)
