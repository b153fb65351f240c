"""From the tidy table to printed cells: units, precision, ranks and stars, whatever the language."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gliofit.evaluation.statistics import SIGNIFICANCE
from gliofit.reporting.tables.layout import Column, Layout


@dataclass(frozen=True)
class Cell:
    """A number as printed: `mean` ± `se` in units of the column, times 10^`power` if that is not 0."""

    mean: str = ""
    se: str = ""
    power: int = 0
    star: bool = False
    rank: int = 0

    @property
    def shown(self) -> float:
        return float(self.mean) * 10.0**self.power if self.mean else float("nan")


@dataclass(frozen=True)
class Row:
    title: str
    n: str
    cells: list[Cell]


def _two_digits(value: float) -> str:
    """Two significant digits without exponent (runtimes span five decades): 2300, 42, 0.70, 0.0021."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.1e}")
    return f"{rounded:.{max(0, 1 - int(np.floor(np.log10(abs(rounded)))))}f}"


def cell(column: Column, mean: float, se: float = np.nan, p: float = np.nan) -> Cell:
    """A number as `column` prints it: `mean` ± `se`, starred if `p` is significant."""
    if not np.isfinite(mean):
        return Cell()
    mean, se = mean / 10.0**column.exponent, se / 10.0**column.exponent
    star = column.spread and p < SIGNIFICANCE
    if not column.spread:
        return Cell(_two_digits(mean))
    power = 0
    if 0 < abs(mean) < 0.1:  # too small to be read in the paper's unit: give it an exponent of its own
        power = int(np.floor(np.log10(abs(mean))))
        mean, se = mean / 10.0**power, se / 10.0**power
    text = f"{se:.{column.decimals}f}" if np.isfinite(se) else ""
    return Cell(f"{mean:.{column.decimals}f}", text, power, bool(star))


def _ranked(rows: list[Row], columns: tuple[Column, ...]) -> list[Row]:
    """Mark the best (1) and second-best (2) of each column, as printed: equal print, equal rank."""
    cells = [list(row.cells) for row in rows]
    for j, column in enumerate(columns):
        order = sorted({row[j].shown for row in cells if row[j].mean}, reverse=column.higher_is_better)
        for row in cells:
            if row[j].mean and row[j].shown in order[:2]:
                row[j] = replace(row[j], rank=order.index(row[j].shown) + 1)
    return [Row(row.title, row.n, row_cells) for row, row_cells in zip(rows, cells, strict=True)]


def _count(n: list[int], columns: tuple[Column, ...]) -> str:
    """N of a row; metrics with fewer values are named: "25 (NCC 24)"."""
    most = max(n)
    fewer = [f"{c.label} {k}" for c, k in zip(columns, n, strict=True) if 0 < k < most]  # none at all shows as a dash
    return f"{most} ({', '.join(fewer)})" if fewer else str(most)


def rows(tidy: pd.DataFrame, layout: Layout, titles: dict[str, str]) -> list[Row]:
    """The printed rows: means, then medians where the layout has them. A row that nothing names has its own name."""
    titles = {**titles, **layout.titles}
    table = tidy.set_index(["method", "metric"])
    methods = list(dict.fromkeys(tidy["method"]))
    means, medians = [], []
    for method in methods:
        entries = [table.loc[(method, column.metric)] for column in layout.columns]
        n = _count([int(e.n) for e in entries], layout.columns)
        pairs = list(zip(layout.columns, entries, strict=True))
        title = titles.get(method, method)
        means.append(Row(title, n, [cell(c, e["mean"], e["se"], e["p_value"]) for c, e in pairs]))
        medians.append(Row(f"{title} (median)", n, [cell(c, e["median"], np.nan, np.nan) for c, e in pairs]))
    blocks = [means, medians] if layout.medians else [means]
    return [row for block in blocks for row in (_ranked(block, layout.columns) if layout.ranks else block)]
