"""The numbers that Weidner et al. 2026 published, and tables that put ours beside them."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import numpy as np
import pandas as pd

from gliofit.reporting.tables.cells import cell
from gliofit.reporting.tables.layout import Column, layout_of
from gliofit.reporting.tables.markup import MARKDOWN, markdown_caption, markdown_table


def published() -> pd.DataFrame:
    """Numbers of Weidner et al. 2026: table, method, metric, n, mean, se, median; in the units of the metrics."""
    with (resources.files(__package__) / "weidner2026.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")


def beside(
    ours: pd.DataFrame, number: int, titles: dict[str, str], value: str = "mean", cases: str | None = None
) -> str:
    """
    Markdown: a table's rows, each followed by the paper's for the same method, and below the means their caption.

    Parameters
    ----------
    ours : DataFrame
        Tidy table, indexed by method and metric.
    number : int
        1, 2 or 3.
    titles : dict of str → str
        By method.
    value : {"mean", "median"}
        Means come with their standard errors and, ours, with stars.
    cases : str, optional
        The set that `ours` is of, if not the paper's.
    """
    layout = replace(layout_of(number, cases), ranks=False)  # rows of the paper are of other tumours
    paper = published().query(f"table == {number}").set_index(["method", "metric"])
    theirs = list(paper.index.get_level_values(0).unique())
    methods = list(dict.fromkeys([*ours.index.get_level_values(0), *theirs]))
    lines = []
    for method in methods:
        title = titles.get(method, method)
        for table, mark in ((ours, title), (paper, f"*{title}, paper*")):
            if method in table.index.get_level_values(0):
                rows = table.loc[method]
                lines.append([mark, str(int(rows["n"].max())), *(_number(c, rows, value) for c in layout.columns)])
    printed = markdown_table(layout, lines)
    if value != "mean":
        return printed
    return f"{printed}\n\n{markdown_caption(layout, titles)} In italics: the paper’s numbers, not tested."


def _number(column: Column, rows: pd.DataFrame, value: str) -> str:
    if column.metric not in rows.index:
        return MARKDOWN.missing
    row = rows.loc[column.metric]
    if value != "mean":
        return MARKDOWN.cell(cell(column, row[value]))
    return MARKDOWN.cell(cell(column, row["mean"], row["se"], row.get("p_value", np.nan)))
