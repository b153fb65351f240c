"""
Ways of planning against the standard plan over patients: means with bootstrap intervals, paired tests, who gains.

What GliODIL's Figs. 5 and 6 show for one volume, for all scores of `gliofit.evaluation.coverage_scores`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from gliofit.evaluation.coverage_scores import CURVE
from gliofit.evaluation.intervals import bootstrap, paired_bootstrap
from gliofit.evaluation.statistics import signed_rank_test

COMPARED = {
    "coverage_broad": True,
    "coverage_narrow": True,
    "area_broad": True,
    "area_narrow": True,
    "missed_ml": False,
    "miss_mean_mm": False,
    "miss_farthest_mm": False,
    **dict.fromkeys(CURVE, True),
}
"""Scores, and whether more is better."""

COLUMNS = (
    "set", "method", "metric", "n", "undefined", "mean", "low", "high",
    "difference", "difference_low", "difference_high", "p_value", "better", "equal",
)  # fmt: skip
"""`low`, `high`: 95 % of the mean; `difference` to the standard plan, paired; `better`, `equal`: shares of patients."""


def compare(metrics: pd.DataFrame, sets: Iterable[str], methods: Sequence[str], standard: str) -> pd.DataFrame:
    """
    The tidy comparison.

    Parameters
    ----------
    metrics : DataFrame
        See `gliofit.evaluation.metrics.COLUMNS`.
    sets : iterable of str
        Those without values are left out.
    methods : sequence of str
        Rows, the standard plan's among them.
    standard : str
        Its name.

    Returns
    -------
    DataFrame
        `COLUMNS`. p_value: Wilcoxon's signed-rank test against the standard plan on the patients that both have.
    """
    rows = []
    values = {key: part.set_index("case")["value"] for key, part in metrics.groupby(["set", "method", "metric"])}
    for name in sets:
        for method in methods:
            for metric, higher in COMPARED.items():
                own, theirs = values.get((name, method, metric)), values.get((name, standard, metric))
                if own is None or theirs is None:
                    continue
                rows.append((name, method, metric, *_row(own, theirs, higher, method == standard)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(own: pd.Series, theirs: pd.Series, higher: bool, same: bool) -> tuple:
    mean = bootstrap(own)
    if same:
        return (mean.n, mean.undefined, mean.mean, mean.low, mean.high, *[np.nan] * 6)
    gain = paired_bootstrap(own, theirs)
    p, _ = signed_rank_test(own, theirs)
    pairs = pd.concat([own, theirs], axis=1, join="inner").dropna().to_numpy(float)
    ahead = (pairs[:, 0] - pairs[:, 1]) * (1 if higher else -1)
    shares = ((ahead > 0).mean(), (ahead == 0).mean()) if len(pairs) else (np.nan, np.nan)
    return (mean.n, mean.undefined, mean.mean, mean.low, mean.high, gain.mean, gain.low, gain.high, p, *shares)


def markdown(table: pd.DataFrame, titles: dict[str, str], set_titles: dict[str, str]) -> str:
    """The comparison for people: one table per set, in percent, ml and mm."""
    shown = {
        "coverage_broad": ("Coverage, %", 100), "area_broad": ("Area, %", 100),
        "coverage_narrow": ("Narrow, %", 100), "missed_ml": ("Missed, ml", 1),
        "miss_mean_mm": ("Miss, mm", 1), "miss_farthest_mm": ("Farthest, mm", 1),
    }  # fmt: skip
    lines: list[str] = []
    for name, part in table.groupby("set", sort=False):
        heads = " | ".join(title for title, _ in shown.values())
        lines += [f"**{set_titles.get(str(name), str(name))}**", ""]
        lines += [f"| Plan | N | {heads} | Better, % | p | p, area |", "|---|--:|" + "--:|" * (len(shown) + 3)]
        for method, rows in part.groupby("method", sort=False):
            by = rows.set_index("metric")
            cells = [_cell(by, metric, unit) for metric, (_, unit) in shown.items()]
            main = by.loc["coverage_broad"]
            number = f"{main.n:.0f}" + (f" (+{main.undefined:.0f} undefined)" if main.undefined else "")
            ends = [f"{100 * main.better:.0f}" if np.isfinite(main.better) else "–", _p(main.p_value)]
            ends.append(_p(by.loc["area_broad"].p_value))
            lines.append(f"| {titles.get(str(method), str(method))} | {number} | " + " | ".join([*cells, *ends]) + " |")
        lines.append("")
    lines += [
        "Means with 95 % intervals by bootstrap over patients, at the volume of the standard plan with 15 mm; area",
        "under the coverage curve to the volume at 30 mm. Better: share of patients of whom the plan covers more than",
        "the standard plan; p: Wilcoxon's signed-rank test of the coverage, and of the area, against it.",
    ]
    return "\n".join(lines) + "\n"


def _cell(by: pd.DataFrame, metric: str, unit: int) -> str:
    if metric not in by.index or not np.isfinite(by.loc[metric, "mean"]):
        return "–"
    row = by.loc[metric]
    if not np.isfinite(row.low):
        return f"{unit * row['mean']:.1f}"
    return f"{unit * row['mean']:.1f} [{unit * row.low:.1f}, {unit * row.high:.1f}]"


def _p(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.2g}"
