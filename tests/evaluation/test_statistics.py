"""Statistics against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gliofit.evaluation.statistics import PAIRED_TESTS, paired_t_test, signed_rank_test, summarise


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


def test_t_test_by_hand():
    """Student's sleep data (Student 1908, Table 1): t = -4.0621 on 9 degrees of freedom, p = 0.002833."""
    first = series([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = series([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    p, n = paired_t_test(first, second)
    assert n == 10
    assert p == pytest.approx(0.00283289, rel=1e-5)


def test_signed_ranks_by_hand():
    """All of five differences of one sign, no ties: two of 2⁵ signs are as extreme, p = 1/16."""
    a = series([1.0, 2.0, 3.0, 4.0, 5.0])
    b = series([0.9, 1.8, 2.7, 3.6, 4.5])
    assert signed_rank_test(a, b) == (pytest.approx(1 / 16), 5)
    # of n differences the smallest speaks against the rest: four of 2ⁿ signs
    b.iloc[0] = 1.1
    assert signed_rank_test(a, b) == (pytest.approx(4 / 32), 5)


def test_signed_ranks_pair_by_case_and_leave_undefined_values_out():
    a, b = series([1.0, np.nan, 3.0, 4.0, 5.0, 6.0]), series([2.5, 3.5, 4.6, 5.7, 6.8], start=1)
    expected = stats.wilcoxon([3.0, 4.0, 5.0, 6.0], [3.5, 4.6, 5.7, 6.8]).pvalue
    assert signed_rank_test(a, b.iloc[::-1]) == (pytest.approx(expected), 4)


@pytest.mark.parametrize("test", PAIRED_TESTS.values(), ids=list(PAIRED_TESTS))
@pytest.mark.filterwarnings("error")
def test_no_pairs_have_no_p_and_equal_ones_have_1(test):
    same = series([1.0, 2.0, 3.0])
    assert test(same, same) == (1.0, 3)
    for other, n in ((series([1.0], start=50), 0), (same.iloc[:1], 1), (same * np.nan, 0)):
        p, counted = test(same, other)
        assert counted == n
        assert np.isnan(p)


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
