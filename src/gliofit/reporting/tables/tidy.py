"""
The paper's Tables 1–3 from per-case metrics: a tidy csv first, then markdown, LaTeX and HTML in the paper's layout.

    write_table(2, "results/metrics.csv", "results/tables/weidner_table2", methods=["cmaes_solver", "hybrid", …])
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from gliofit.base.errors import InputError
from gliofit.base.files import write_text
from gliofit.evaluation.metrics import read_metrics
from gliofit.evaluation.statistics import PAIRED_TESTS, summarise
from gliofit.reporting.tables.layout import TABLES, Layout, layout_of
from gliofit.reporting.tables.markup import to_html, to_latex, to_markdown

__all__ = ["TABLES", "TIDY", "layout_of", "tabulate", "titles_of", "to_html", "to_latex", "to_markdown", "write_table"]

TIDY = ("method", "metric", "n", "mean", "se", "median", "p_value")
"""Columns of results/tables/*.csv; p_value: the layout's paired test against the table's own method ("ours")."""


def tabulate(metrics: pd.DataFrame, methods: Iterable[str], layout: Layout) -> pd.DataFrame:
    """
    The tidy table.

    Parameters
    ----------
    metrics : DataFrame
        Columns case, set, method, metric, value.
    methods : iterable of str
        Rows, in this order. A method without values keeps its row, with n = 0.

    Returns
    -------
    DataFrame
        Columns `TIDY`; p_value is NaN for `layout.ours` itself and where fewer than two cases are common.
    """
    chosen = metrics[metrics["set"] == layout.cases]
    values = {key: rows.set_index("case")["value"] for key, rows in chosen.groupby(["method", "metric"])}
    empty = pd.Series(dtype=float)
    table = []
    for method in methods:
        if method == layout.reference:
            continue
        for column in layout.columns:
            found = values.get((method, column.metric), empty)
            p = np.nan
            if method != layout.ours:
                p, _ = PAIRED_TESTS[layout.test](found, values.get((layout.ours, column.metric), empty))
            s = summarise(found)
            table.append((method, column.metric, s.n, s.mean, s.se, s.median, p))
    return pd.DataFrame(table, columns=TIDY)


def titles_of(methods: Iterable[str]) -> dict[str, str]:
    """Titles of registered methods, as tables print them."""
    from gliofit.inversion import describe

    return {name: describe(name).title for name in methods}


def write_table(
    number: int | str,
    metrics: str | Path | pd.DataFrame,
    stem: str | Path,
    methods: Iterable[str],
    *,
    cases: str | None = None,
    ours: str | None = None,
    titles: dict[str, str] | None = None,
) -> pd.DataFrame:
    """
    Make table `number` of the paper: `stem`.csv (tidy), `stem`.md and `stem`.tex.

    Parameters
    ----------
    number : int
        1 (parameters), 2 (synthetic tumours) or 3 (patients) of Weidner 2026, or another key of `TABLES`.
    metrics : path or DataFrame
        Per-case values; see `gliofit.evaluation.metrics.COLUMNS`.
    methods : iterable of str
        Rows, in the config's order.
    cases, ours : str, optional
        Another set of cases (mni152, say), or another method to test against, than the paper's.
    titles : dict of str → str, optional
        By method; from the registry if absent.

    Returns
    -------
    DataFrame
        The tidy table.
    """
    layout = layout_of(number, cases, ours)
    methods = list(methods)
    titles = titles or titles_of(methods)
    tidy = tabulate(read_metrics(metrics), methods, layout)
    if tidy.empty or not tidy["n"].any():
        raise InputError(f"table {number}: the metrics hold no values of set {layout.cases} for {', '.join(methods)}")
    write_text(f"{stem}.csv", tidy.to_csv(index=False))
    write_text(f"{stem}.md", to_markdown(tidy, layout, titles))
    write_text(f"{stem}.tex", to_latex(tidy, layout, titles, f"tab:{Path(stem).name}"))
    return tidy
