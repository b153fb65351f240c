"""Plans against the standard plan: counts, paired differences, and who gains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofit.evaluation.comparison import COLUMNS, compare, markdown
from gliofit.evaluation.coverage_scores import CURVE
from gliofit.reporting.figures.coverage import coverage_curves, weight_study


@pytest.fixture(scope="module")
def metrics() -> pd.DataFrame:
    rows = []
    rng = np.random.default_rng(0)
    for i in range(12):
        base = float(rng.uniform(0.3, 0.6))
        for method, gain in (("standard", 0.0), ("geodesic", 0.0), ("fit/mri", 0.1)):
            value = np.nan if i == 11 else base + gain * (i > 2)
            rows += [(f"c{i}", "single", method, m, value) for m in ("coverage_broad", "area_broad", *CURVE)]
            rows += [(f"c{i}", "single", method, "missed_ml", 10 * (1 - base - gain))]
    return pd.DataFrame(rows, columns=["case", "set", "method", "metric", "value"])


def test_the_comparison(metrics):
    table = compare(metrics, ["single", "multi"], ["standard", "geodesic", "fit/mri"], "standard")
    assert tuple(table.columns) == COLUMNS
    assert set(table["set"]) == {"single"}
    by = table.set_index(["method", "metric"])
    fit = by.loc[("fit/mri", "coverage_broad")]
    assert (fit.n, fit.undefined) == (11, 1)
    assert fit.difference == pytest.approx(0.1 * 8 / 11)
    assert 0 < fit.difference_low < fit.difference < fit.difference_high <= 0.1
    assert fit.better == pytest.approx(8 / 11)
    assert fit.equal == pytest.approx(3 / 11)
    assert fit.p_value < 0.02
    same = by.loc[("geodesic", "coverage_broad")]
    assert (same.better, same.equal, same.p_value) == (0, 1, 1)
    assert by.loc[("fit/mri", "missed_ml")].better == 1  # less is better there
    assert np.isnan(by.loc[("standard", "coverage_broad")].p_value)


def test_the_comparison_for_people(metrics, tmp_path):
    titles = {"standard": "Standard plan", "geodesic": "Margin along tissue", "fit/mri": "Fit, MRI"}
    table = compare(metrics, ["single"], list(titles), "standard")
    text = markdown(table, titles, {"single": "One focus"})
    assert "**One focus**" in text
    assert "| Fit, MRI | 11 (+1 undefined) |" in text
    assert "| 73 | 0.0078 | 0.0078 |" in text  # eight of eleven gain in both; 2/2⁸
    coverage_curves(tmp_path / "curves", table, titles, {"single": "One focus", "multi": "Three foci"})
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_study_over_weights(tmp_path):
    from gliofit.evaluation.gliodil_study import METRICS, markdown, summary

    rng = np.random.default_rng(1)
    rows = [
        (f"{kind}_{i}", kind, "pde_weight", weight, method, metric, rng.random())
        for kind in ("single", "multi")
        for i in range(3)
        for weight in (0.1, 1.0, 10.0)
        for method in ("gliodil", "pde_gliodil")
        for metric in METRICS
    ]
    rows += [
        (f"single_{i}", "single", "guess", float(g), "gliodil", metric, 0.5 + 0.1 * g + i)
        for i in range(3)
        for g in range(3)
        for metric in METRICS
    ]
    frame = pd.DataFrame(rows, columns=["case", "set", "study", "setting", "method", "metric", "value"])
    table = summary(frame)
    spread = table[(table["study"] == "guess") & (table["metric"] == "dice_core_spread")]
    assert spread["mean"].item() == pytest.approx(0.1)  # within patients, not between them
    assert len(table[table["study"] == "pde_weight"]) == 2 * 3 * 2 * len(METRICS)
    titles = {"gliodil": "GliODIL", "pde_gliodil": "PDE GliODIL"}
    text = markdown(table, titles)
    assert "**One focus**, N = 3" in text
    assert "± 0.100" in text
    weight_study(tmp_path / "study", frame, titles)
    assert (tmp_path / "study.pdf").stat().st_size > 5000
