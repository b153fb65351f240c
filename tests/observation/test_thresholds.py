"""What the constants of thresholds promise of one another."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from gliofit.observation import thresholds as t
from gliofit.observation.segmentation import THRESHOLDS
from gliofit.synthetic.brats_like_patient import make_synthetic_patient
from gliofit.synthetic.prior import Prior

SOURCE = Path(t.__file__).parents[1]


@pytest.mark.parametrize("start", [t.START, *t.STARTS, t.GLIODIL_START], ids=str)
def test_starts_lie_within_what_is_fitted(start):
    bounds = t.GLIODIL_FITTED if start is t.GLIODIL_START else t.FITTED
    for value, (low, high) in zip(start, bounds, strict=True):
        assert low < value < high


@pytest.mark.parametrize("ranges", [t.FITTED, t.GLIODIL_FITTED])
def test_the_core_lies_within_the_whole_tumour(ranges):
    assert ranges.whole[1] <= ranges.core[0]


@pytest.mark.parametrize("ranges", [t.FITTED, t.GLIODIL_FITTED])
def test_no_method_is_scored_at_the_edge_of_what_it_may_fit(ranges):
    for scored, fitted in zip(t.SCORED, ranges, strict=True):
        assert scored[0] <= fitted[0] <= fitted[1] <= scored[1]
    assert t.SCORED.core[0] <= t.GLIODIL_DRAWN["enhancing"][0]


def test_in_silico_patients_are_within_what_is_fitted():
    edema, enhancing, necrotic = t.SYNTHETIC_PATIENT
    assert t.FITTED.whole[0] < edema < t.FITTED.whole[1]
    assert t.FITTED.core[0] < enhancing < t.FITTED.core[1]
    assert enhancing < necrotic <= 1


def test_others_have_them_from_here():
    assert [(p.lower, p.upper) for p in THRESHOLDS] == list(t.FITTED)
    assert [p.start for p in THRESHOLDS] == list(t.START)
    assert Prior().visible == t.VISIBLE
    assert make_synthetic_patient.__defaults__[2] == t.SYNTHETIC_PATIENT


def test_nobody_writes_a_range_again():
    """No other module has a pair of numbers that is one of the ranges of `FITTED`, `SCORED` or GliODIL's."""
    known = {*t.FITTED, *t.SCORED, *t.GLIODIL_FITTED, *t.GLIODIL_DRAWN.values()}
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        if path == Path(t.__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Tuple | ast.List | ast.Call):
                entries = node.args if isinstance(node, ast.Call) else node.elts
                numbers = [entry.value for entry in entries if isinstance(entry, ast.Constant)]
                again = set(pairwise(numbers)) & known
                found += [f"{path.relative_to(SOURCE)}:{node.lineno}: {pair}" for pair in again]
    assert found == []
