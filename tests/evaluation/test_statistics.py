"""Statistics against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gliofit.evaluation.statistics import paired_t_test, summarise


def series(values, start=0):
    return pd.Series(values, index=[f"case{start + i:03d}" for i in range(len(values))])


def test_summary_by_hand():
    s = summarise([1.0, 2.0, 6.0])
    assert (s.n, s.mean, s.median) == (3, 3.0, 2.0)
    assert s.se == pytest.approx(np.sqrt(7.0) / np.sqrt(3))


def test_summary_agrees_with_scipy():
    values = np.random.default_rng(0).lognormal(size=57)
    s = summarise(values)
    assert s.se == pytest.approx(stats.sem(values), rel=1e-12)
    assert s.median == np.median(values)


def test_summary_leaves_nan_out_and_says_so():
    s = summarise([1.0, np.nan, 3.0])
    assert (s.n, s.mean) == (2, 2.0)
    single = summarise([5.0])
    assert (single.n, single.mean) == (1, 5.0)
    assert np.isnan(single.se)
    assert summarise([]).n == 0
    assert np.isnan(summarise([np.nan]).mean)


def test_t_test_agrees_with_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=40), rng.normal(0.3, size=40)
    p, n = paired_t_test(series(a), series(b))
    assert n == 40
    assert p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-10)


def test_t_test_pairs_by_case_not_by_row():
    rng = np.random.default_rng(2)
    a, b = series(rng.normal(size=30)), series(rng.normal(size=25), start=10)
    p, n = paired_t_test(a, b.sample(frac=1, random_state=0))
    assert n == 20
    assert p == pytest.approx(stats.ttest_rel(a.iloc[10:], b.iloc[:20]).pvalue, rel=1e-10)


def test_t_test_drops_a_pair_with_an_undefined_value():
    a, b = series([1.0, 2.0, np.nan, 4.5]), series([0.5, np.nan, 2.0, 3.0])
    p, n = paired_t_test(a, b)
    assert n == 2
    assert p == pytest.approx(stats.ttest_rel([1.0, 4.5], [0.5, 3.0]).pvalue)


@pytest.mark.filterwarnings("error")
def test_t_test_edges():
    same = series([1.0, 2.0, 3.0])
    assert paired_t_test(same, same) == (1.0, 3)
    assert paired_t_test(same + 1, same) == (0.0, 3)
    p, n = paired_t_test(same.iloc[:1], same)
    assert n == 1
    assert np.isnan(p)
    p, n = paired_t_test(same, series([1.0], start=50))
    assert n == 0
    assert np.isnan(p)
