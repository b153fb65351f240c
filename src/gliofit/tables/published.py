"""The numbers that Weidner et al. 2026 published, and tables that put ours beside them."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd

from gliofit.tables.cells import cell
from gliofit.tables.layout import Column, layout_of
from gliofit.tables.markup import MARKDOWN, header


def published() -> pd.DataFrame:
    """Numbers of Weidner et al. 2026: table, method, metric, n, mean, se, median; in the units of the metrics."""
    with (resources.files("gliofit") / "data" / "weidner2026.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")


def beside(ours: pd.DataFrame, number: int, titles: dict[str, str], value: str = "mean") -> str:
    """
    Markdown: a table's rows, each followed by the paper's for the same method.

    Parameters
    ----------
    ours : DataFrame
        Tidy table, indexed by method and metric.
    number : int
        1, 2 or 3.
    titles : dict of str → str
        By method.
    value : {"mean", "median"}
        Means come with their standard errors.
    """
    columns = layout_of(number).columns
    paper = published().query(f"table == {number}").set_index(["method", "metric"])
    theirs = list(paper.index.get_level_values(0).unique())
    methods = list(dict.fromkeys([*ours.index.get_level_values(0), *theirs]))
    lines = [["Model", "N", *map(header, columns)], ["---"] + ["---:"] * (len(columns) + 1)]
    for method in methods:
        title = titles.get(method, method)
        for table, mark in ((ours, title), (paper, f"*{title}, paper*")):
            if method in table.index.get_level_values(0):
                rows = table.loc[method]
                lines.append([mark, str(int(rows["n"].max())), *(_number(c, rows, value) for c in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(column: Column, rows: pd.DataFrame, value: str) -> str:
    if column.metric not in rows.index:
        return MARKDOWN.missing
    row = rows.loc[column.metric]
    return MARKDOWN.cell(cell(column, row[value], row["se"] if value == "mean" else np.nan))
