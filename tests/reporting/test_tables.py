"""Tables: the tidy numbers, and how they are printed."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gliofit.base.errors import InputError
from gliofit.evaluation.metrics import tidy
from gliofit.reporting.tables import tidy as tables
from gliofit.reporting.tables.cells import rows
from gliofit.reporting.tables.layout import TABLES
from gliofit.reporting.tables.markup import caption, plain_latex, plain_markdown
from gliofit.reporting.tables.published import beside

TITLES = {
    "cmaes_solver": "CMA-ES classical solver",
    "direct": "Direct inverse prediction",
    "hybrid": "Inverse prediction & GB",
    "hybrid_com": "Inverse prediction & GB COM",
    "gauss_newton": "Gauss–Newton on the solver",
}


def metrics_of(values: dict[str, dict[str, list]], cases: str = "sri24") -> pd.DataFrame:
    """values[method][metric] = one number per case."""
    return pd.concat(
        [
            tidy(f"case{i:02d}", cases, method, {metric: series[i]})
            for method, by_metric in values.items()
            for metric, series in by_metric.items()
            for i in range(len(series))
        ],
        ignore_index=True,
    )


def printed(number: int, values: dict, methods=None, **kwargs) -> dict[str, list[str]]:
    """Markdown cells by row title."""
    layout = tables.layout_of(number, **kwargs)
    table = tables.tabulate(metrics_of(values, layout.cases), methods or values, layout)
    lines = tables.to_markdown(table, layout, TITLES).splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {line[0]: line[1:] for line in cells if line[0] != "---"}


def test_tidy_table_holds_means_errors_medians_and_paired_p_values():
    rng = np.random.default_rng(0)
    ours, direct = rng.lognormal(-7, 1, 30), rng.lognormal(-6, 1, 30)
    solver = ours[:25] * 0.5
    frame = metrics_of({"cmaes_solver": {"mse": solver}, "direct": {"mse": direct}, "hybrid": {"mse": ours}})
    table = tables.tabulate(frame.sample(frac=1, random_state=1), ["cmaes_solver", "direct", "hybrid"], TABLES[2])
    assert tuple(table.columns) == tables.TIDY
    mse = table[table["metric"] == "mse"].set_index("method")
    assert list(mse.index) == ["cmaes_solver", "direct", "hybrid"]
    assert list(mse["n"]) == [25, 30, 30]
    np.testing.assert_allclose(mse["mean"], [solver.mean(), direct.mean(), ours.mean()])
    np.testing.assert_allclose(mse["se"], [stats.sem(v) for v in (solver, direct, ours)])
    np.testing.assert_allclose(mse["median"], [np.median(v) for v in (solver, direct, ours)])
    assert mse.loc["cmaes_solver", "p_value"] == pytest.approx(stats.ttest_rel(solver, ours[:25]).pvalue)
    assert mse.loc["direct", "p_value"] == pytest.approx(stats.ttest_rel(direct, ours).pvalue)
    assert np.isnan(mse.loc["hybrid", "p_value"])


def test_paper_units_and_marks():
    spread = np.array([-1.0, 1.0, 0.0, 0.5, -0.5])
    values = {
        "direct": {"mse": 4.81e-3 + 1e-5 * spread, "ncc": 0.847 + 0 * spread, "minutes": [0.1] * 5},
        "hybrid": {"mse": 1.35e-3 + 1e-5 * spread[::-1], "ncc": 0.915 + 0 * spread, "minutes": [0.8] * 5},
        "gauss_newton": {"mse": 1.4e-3 + 4e-4 * spread, "ncc": 0.915 + 0 * spread, "minutes": [2300.0] * 5},
    }
    cells = printed(2, values)
    assert cells["Model"][:2] == ["N", "MSE ↓ (×10⁻³)"]
    assert cells["Model"][5:] == ["NCC ↑ (×10⁻¹)", "Runtime ↓ (min)"]
    assert cells["Direct inverse prediction"][:2] == ["5", r"4.81 ± 0.00\*"]
    assert cells["Inverse prediction & GB"][1] == "**1.35 ± 0.00**"
    assert cells["Gauss–Newton on the solver"][1] == "<u>1.40 ± 0.14</u>"
    # higher NCC is better, equal print ties for best, and the other is second
    assert cells["Inverse prediction & GB"][5].startswith("**9.15 ± 0.00**")
    assert cells["Gauss–Newton on the solver"][5].startswith("**9.15 ± 0.00**")
    assert cells["Direct inverse prediction"][5].startswith("<u>8.47 ± 0.00</u>")
    # runtimes: two digits, no error, no star
    assert [row[6] for row in list(cells.values())[1:]] == ["**0.10**", "<u>0.80</u>", "2300"]


def test_missing_values_are_dashes_and_never_ranked():
    values = {
        "direct": {"mse": [1e-3, 2e-3], "ncc": [np.nan, np.nan]},
        "hybrid": {"mse": [3e-3, 4e-3], "ncc": [0.5, np.nan]},
    }
    cells = printed(2, values, methods=["cmaes_solver", "direct", "hybrid"])
    assert cells["CMA-ES classical solver"] == ["0"] + ["–"] * 6
    assert cells["Direct inverse prediction"][5] == "–"
    assert cells["Inverse prediction & GB"][5] == "**5.00**"  # one case: no standard error
    assert cells["Inverse prediction & GB"][0].startswith("2 (")
    assert "NCC 1" in cells["Inverse prediction & GB"][0]


def test_small_numbers_keep_their_digits():
    values = {"hybrid": {"mse": [1e-3, 1.2e-3]}, "gauss_newton": {"mse": [2.0e-8, 4.0e-8]}}
    cells = printed(2, values)
    assert cells["Gauss–Newton on the solver"][1].startswith("**(3.00 ± 1.00)×10⁻⁵**")
    assert cells["Inverse prediction & GB"][1] == "<u>1.10 ± 0.10</u>"
    assert printed(2, {"hybrid": {"mse": [0.0, 0.0]}})["Inverse prediction & GB"][1] == "**0.00 ± 0.00**"


def test_table_1_adds_medians_ranked_by_themselves():
    values = {"direct": {"growth_mae": [0.01, 0.01, 0.9]}, "hybrid": {"growth_mae": [0.1, 0.1, 0.1]}}
    cells = printed(1, values)
    assert cells["Model"][2] == "Growth MAE ↓ (×10⁻³)"
    assert cells["Direct inverse prediction"][2].startswith("<u>306.7 ± 296.7</u>")
    assert cells["Inverse prediction & GB"][2] == "**100.0 ± 0.0**"
    assert cells["Direct inverse prediction (median)"][2] == "**10.0**"
    assert cells["Inverse prediction & GB (median)"][2] == "<u>100.0</u>"


def test_table_3_leaves_the_reference_out_and_tests_against_com():
    layout = TABLES[3]
    values = {name: {"mse": [1e-3, 2e-3, 3e-3]} for name in TITLES}
    table = tables.tabulate(metrics_of(values, "patients"), TITLES, layout)
    assert "cmaes_solver" not in set(table["method"])
    assert table.set_index(["method", "metric"]).loc[("direct", "mse"), "p_value"] == 1.0  # identical results
    assert "Inverse prediction & GB COM" in tables.to_markdown(table, layout, TITLES)


def test_set_and_reference_can_be_changed():
    layout = tables.layout_of(2, cases="mni152", ours="gauss_newton")
    assert (layout.cases, layout.ours) == ("mni152", "gauss_newton")
    assert TABLES[2].cases == "sri24"
    with pytest.raises(InputError, match="there is no table 9"):
        tables.layout_of(9)


def test_without_our_method_nothing_is_tested():
    values = {"direct": {"mse": [1e-3, 2e-3]}}
    table = tables.tabulate(metrics_of(values), values, TABLES[2])
    assert table["p_value"].isna().all()
    assert "t-test" not in tables.to_markdown(table, TABLES[2], {"direct": "Direct"})


def test_latex_has_the_same_marks_and_escapes():
    rng = np.random.default_rng(3)
    values = {
        "direct": {"mse": 4.8e-3 + 1e-4 * rng.random(9)},
        "hybrid": {"mse": 1.3e-3 + 1e-4 * rng.random(9)},
        "gauss_newton": {"mse": 1e-7 + 1e-9 * rng.random(9)},
    }
    table = tables.tabulate(metrics_of(values), values, TABLES[2])
    tex = tables.to_latex(table, TABLES[2], TITLES, "tab:two")
    assert r"Inverse prediction \& GB & 9 & " in tex
    assert re.search(r"\\textbf\{\\boldmath \$\(1\.0\d \\pm 0\.00\) \\times 10\^\{-4\}\$\}\$\^\{\*\}\$", tex)
    assert re.search(r"\\underline\{\$1\.\d\d \\pm 0\.\d\d\$\}", tex)
    assert r"\label{tab:two}" in tex
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert {line.count("&") - line.count(r"\&") for line in body} == {7}
    for opening, closing in ("{}", ("begin", "end")):
        assert tex.count(opening) == tex.count(closing)
    assert tex.count("$") % 2 == 0


def test_text_is_escaped_as_its_language_needs():
    rows = [["case", "truth"], ["patient_1", "7 ± 0.5"], ["μ_D", "–"]]
    assert plain_markdown(rows) == "| case | truth |\n|---|---|\n| patient_1 | 7 ± 0.5 |\n| μ_D | – |"
    lines = plain_latex(rows).splitlines()
    assert lines[:4] == [r"\begin{tabular}{ll}", r"\toprule", r"case & truth \\", r"\midrule"]
    assert lines[4:6] == [r"patient\_1 & 7 $\pm$ 0.5 \\", r"$\mu_D$ & -- \\"]
    assert lines[6:] == [r"\bottomrule", r"\end{tabular}"]


def test_html_is_accessible_and_escaped():
    values = {"direct": {"mse": [1e-3, 2e-3]}, "hybrid": {"mse": [3e-3, 4e-3]}}
    html = tables.to_html(tables.tabulate(metrics_of(values), values, TABLES[2]), TABLES[2], TITLES)
    assert '<th scope="row">Inverse prediction &amp; GB</th>' in html
    assert "<strong>1.50 ± 0.50</strong>" in html
    assert html.count('<th scope="col">') == 8


def test_rows_keep_the_configured_order():
    values = {name: {"mse": [1e-3, 2e-3]} for name in TITLES}
    order = ["hybrid", "gauss_newton", "direct"]
    table = tables.tabulate(metrics_of(values), order, TABLES[2])
    assert [row.title for row in rows(table, TABLES[2], TITLES)] == [TITLES[name] for name in order]


def test_write_table_writes_three_files_the_same_each_time(tmp_path):
    frame = metrics_of({"direct": {"mse": [1e-3, 2e-3]}, "hybrid": {"mse": [3e-3, 5e-3]}})
    path = tmp_path / "metrics.csv"
    frame.to_csv(path, index=False)
    written = tables.write_table(2, path, tmp_path / "t" / "weidner_table2", ["direct", "hybrid"], titles=TITLES)
    first = {p.name: p.read_bytes() for p in (tmp_path / "t").iterdir()}
    assert set(first) == {"weidner_table2.csv", "weidner_table2.md", "weidner_table2.tex"}
    back = pd.read_csv(tmp_path / "t" / "weidner_table2.csv")
    pd.testing.assert_frame_equal(back, written)
    tables.write_table(2, frame.iloc[::-1], tmp_path / "t" / "weidner_table2", ["direct", "hybrid"], titles=TITLES)
    assert first == {p.name: p.read_bytes() for p in (tmp_path / "t").iterdir()}


def test_a_table_without_any_value_is_an_error(tmp_path):
    frame = metrics_of({"direct": {"mse": [1e-3]}})
    with pytest.raises(InputError, match="table 3: the metrics hold no values of set patients"):
        tables.write_table(3, frame, tmp_path / "t3", ["direct"], titles=TITLES)
    assert not list(tmp_path.iterdir())


def test_what_patients_lack_is_left_out_and_counted():
    """Three patients, two with a recurrence: coverage has N = 2 and is tested against the standard plan's."""
    values = {
        "standard": {"coverage_broad": [0.5, 0.7, np.nan]},
        "direct": {"coverage_broad": [0.6, 0.9, np.nan], "dice_core": [0.8, 0.7, 0.9]},
    }
    rows = [
        (f"case{i}", "patients", method, metric, value)
        for method, metrics in values.items()
        for metric, series in metrics.items()
        for i, value in enumerate(series)
    ]
    frame = pd.DataFrame(rows, columns=["case", "set", "method", "metric", "value"])
    table = tables.tabulate(frame, values, TABLES["patients"])
    found = table.set_index(["method", "metric"])
    assert found.loc[("direct", "coverage_broad"), "n"] == 2
    assert found.loc[("direct", "coverage_broad"), "mean"] == pytest.approx(0.75)
    assert 0 < found.loc[("direct", "coverage_broad"), "p_value"] < 1
    text = tables.to_markdown(table, TABLES["patients"], {"standard": "Standard plan", "direct": "Direct"})
    assert "3 (Coverage broad 2)" in text
    assert "75.0" in text


def test_captions_promise_what_the_tables_hold():
    times = tables.layout_of("surrogate_time")
    titles = {"solver_cpu": "solver, cpu", "surrogate_cpu": "surrogate, cpu"}
    assert caption(times, titles).endswith("Mean over the N test cases. Bold: best; underlined: second best.")
    error = caption(tables.layout_of("surrogate_error"), {"surrogate_sri24": "surrogate, sri24"})
    assert "Bold" not in error  # its rows are of different cases
    assert error.endswith("*: p < 0.01 in a paired t-test against “surrogate, sri24” on their common cases.")


def test_rows_of_different_cases_are_not_ranked():
    values = {"surrogate_sri24": {"mse_crop": [1e-3, 2e-3]}, "weidner_edge": {"mse_crop": [3e-3, 4e-3]}}
    layout = tables.layout_of("surrogate_error")
    table = tables.tabulate(metrics_of(values, "forward"), values, layout)
    text = tables.to_markdown(table, layout, {name: name for name in values})
    assert "| 1.50 ± 0.50 |" in text
    assert "**" not in text
    assert "<u>" not in text


def test_beside_the_papers_numbers_ours_are_starred_and_explained():
    rng = np.random.default_rng(0)
    values = {"direct": {"mse": 1e-3 + 1e-5 * rng.random(9)}, "hybrid": {"mse": 1e-4 + 1e-5 * rng.random(9)}}
    tidy = tables.tabulate(metrics_of(values), values, TABLES[2]).set_index(["method", "metric"])
    text = beside(tidy, 2, TITLES)
    assert re.search(r"\| Direct inverse prediction \| 9 \| 1.0\d ± 0.00\\\* \|", text)
    assert "| *Direct inverse prediction, paper* | 500 | 4.81 ± 0.20 |" in text
    assert "Mean ± standard error over the N cases of set sri24." in text
    assert r"\*: p < 0.01 in a paired t-test against “Inverse prediction & GB”" in text
    assert "Bold" not in text
    assert "standard error" not in beside(tidy, 2, TITLES, "median")


def test_the_cohorts_table_leaves_out_what_was_not_asked(tmp_path):
    """How many foci are found is asked of fits that may find several, and of tumours that can tell."""
    rows = []
    for case, failed in (("cohort-0", 0.0), ("cohort-1", 1.0)):
        one = {"dice_core": 0.8, "dice_whole": 0.7, "rmse_unseen": 0.05, "failed": failed, "cpu_seconds": 12.0}
        auto = one | {"one_found": 1.0 if case == "cohort-0" else np.nan, "several_found": np.nan}
        rows += [tidy(case, "cohort", "gauss_newton/1", one), tidy(case, "cohort", "gauss_newton/auto", auto)]
    names = {"gauss_newton/1": "GN, one focus", "gauss_newton/auto": "GN, foci found"}
    tidied = tables.write_table("cohort", pd.concat(rows), tmp_path / "cohort", list(names), titles=names)
    found = tidied.set_index(["method", "metric"])
    assert found.loc[("gauss_newton/1", "failed"), "mean"] == 0.5
    assert found.loc[("gauss_newton/1", "one_found"), "n"] == 0
    assert found.loc[("gauss_newton/auto", "one_found"), ["n", "mean"]].tolist() == [1, 1]
    text = (tmp_path / "cohort.md").read_text()
    assert "GN, foci found" in text
    assert "One focus found" in text
