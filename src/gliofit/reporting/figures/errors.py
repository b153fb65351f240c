"""Figures 3 and 5: how errors are distributed, and where they are large."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.evaluation.metrics import read_metrics
from gliofit.reporting.figures import style

ENOUGH = 8
"""Cases from which on a smoothed distribution is drawn; below, only the cases themselves."""


def distribution(
    stem: str | Path,
    metrics: str | Path | pd.DataFrame,
    methods: list[str],
    *,
    titles: dict[str, str] | None = None,
    cases: str = "sri24",
    metric: str = "mse",
    ours: str = "hybrid",
) -> None:
    """
    Figure 3: the error's distribution by method, as pdf and png.

    Each method has a row: one tick per case, a density estimate on the logarithmic axis (from `ENOUGH` cases on),
    median and mean. The distribution of `ours` is repeated dashed behind the others. Means sit far right of medians
    where a few fits failed.

    Parameters
    ----------
    stem : path without suffix
    metrics : path or DataFrame
        Per-case values, `gliofit.evaluation.metrics.COLUMNS`.
    methods : list of str
        Rows from top to bottom; those without values are left out.
    """
    frame = read_metrics(metrics)
    frame = frame[(frame["set"] == cases) & (frame["metric"] == metric) & (frame["value"] > 0)]
    values = {name: frame.loc[frame["method"] == name, "value"].to_numpy() for name in methods}
    values = {name: v for name, v in values.items() if v.size}
    if not values:
        raise InputError(f"figure 3: there are no values of {metric} on set {cases}")
    if titles is None:
        from gliofit.reporting.tables.tidy import titles_of

        titles = titles_of(values)
    colour = style.colours(list(methods), ours)
    everything = np.log10(np.concatenate(list(values.values())))
    grid = np.linspace(everything.min() - 0.4, everything.max() + 0.4, 400)
    shapes = {name: _shape(np.log10(v), grid) for name, v in values.items()}
    tallest = max((np.nanmax(s) for s in shapes.values() if s is not None), default=1.0)
    pitch = 0.22 if all(shape is None for shape in shapes.values()) else 0.36
    with style.figure(style.PAGE, 0.75 + pitch * len(values)) as fig:
        ax = fig.subplots()
        _log_axis(ax.xaxis, ax.set_xscale)
        ax.set_xlim(10 ** grid[0], 10 ** grid[-1])
        for row, (name, v) in enumerate(values.items()):
            base, order = -float(row), 2 * row + 2
            ax.axhline(base, color=style.FAINT, lw=0.5, zorder=order)
            if (shape := shapes[name]) is not None:
                curve = base + 0.8 * shape / tallest
                ax.fill_between(10**grid, base, curve, color=colour[name], alpha=0.25, lw=0, zorder=order)
                ax.plot(10**grid, curve, color=colour[name], lw=1.0, ls="--" if name == ours else "-", zorder=order)
            if name != ours and (reference := shapes.get(ours)) is not None:
                ghost = base + 0.8 * reference / tallest
                ax.plot(10**grid, ghost, color=colour[ours], lw=0.7, ls="--", alpha=0.8, zorder=order)
            if v.size < ENOUGH:
                ax.plot(v, np.full(v.size, base), "o", color=colour[name], ms=4, mec="white", mew=0.5, zorder=order)
                continue
            below = base - 0.1
            ax.plot(v, np.full(v.size, below), "|", color=colour[name], ms=4, mew=0.6, alpha=0.6, zorder=order)
            ax.plot(np.median(v), below, "o", color=colour[name], mec="white", ms=4.5, mew=0.6, zorder=order + 1)
            ax.plot(v.mean(), below, "D", color="white", mec=colour[name], ms=3.5, mew=0.9, zorder=order + 1)
        ax.set_yticks([-float(row) for row in range(len(values))])
        ax.set_yticklabels([f"{titles[name]} ({v.size})" for name, v in values.items()])
        ax.set_ylim(-len(values) + 0.5, 0.5 if pitch < 0.3 else 0.9)
        ax.set_xlabel(f"{metric.upper()} (number of cases in brackets)")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        sizes = [v.size for v in values.values()]
        keys = []
        if min(sizes) < ENOUGH:
            keys.append(
                Line2D([], [], color=style.MUTED, marker="o", ls="", ms=4, label=f"one case (of fewer than {ENOUGH})")
            )
        if max(sizes) >= ENOUGH:
            keys += [
                Line2D([], [], color=style.MUTED, marker="o", ls="", ms=4.5, mec="white", label="median"),
                Line2D([], [], color="white", marker="D", ls="", ms=3.5, mec=style.MUTED, label="mean"),
                Line2D([], [], color=style.MUTED, marker="|", ls="", ms=5, label="one case"),
            ]
        if shapes.get(ours) is not None and len(values) > 1:
            keys.append(Line2D([], [], color=style.OURS, ls="--", lw=0.9, label=titles[ours]))
        fig.legend(handles=keys, loc="outside upper right", ncols=len(keys))
        style.save(fig, stem)


def _shape(log_values: Array, grid: Array) -> Array | None:
    """Kernel density estimate on `grid`, NaN where it vanishes; None for too few or identical values."""
    if log_values.size < ENOUGH or np.ptp(log_values) < 1e-9:
        return None
    from scipy.stats import gaussian_kde  # takes longer to import than to draw with

    shape = gaussian_kde(log_values)(grid)
    return np.where(shape > 0.003 * shape.max(), shape, np.nan)


def _log_axis(axis, set_scale) -> None:
    set_scale("log")
    axis.set_major_locator(LogLocator(numticks=12))
    axis.set_minor_locator(LogLocator(subs=[n / 10 for n in range(2, 10)], numticks=200))
    axis.set_minor_formatter(NullFormatter())


def landscape(stem: str | Path, frame: pd.DataFrame, error: str = "MSE") -> None:
    """
    Figure 5: error over (μ_D, μ_ρ) and over the tumour's volume, as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    frame : DataFrame
        One row per case with columns mu_D (mm), mu_rho, volume (ml) and error.
    error : str
        Name of the error, for the axes.
    """
    frame = frame.dropna()
    frame = frame[frame["error"] > 0].sort_values("error")  # the worst on top
    if frame.empty:
        raise InputError("figure 5: there are no cases with an error")
    few = len(frame) < 40
    points = {
        "c": frame["error"], "cmap": style.ERROR_MAP, "norm": style.log_norm(frame["error"].to_numpy()),
        "s": 26 if few else 10, "linewidths": 0.3, "edgecolors": "white",
    }  # fmt: skip
    with style.figure(style.PAGE, 2.5) as fig:
        left, right = fig.subplots(1, 2)
        shown = left.scatter(frame["mu_D"], frame["mu_rho"], **points)
        left.set(xlabel=r"Diffusion $\mu_D$ (mm)", ylabel=r"Growth $\mu_\rho$ (–)")
        right.scatter(frame["volume"], frame["error"], **points)
        _log_axis(right.yaxis, right.set_yscale)
        right.set_ylim(
            points["norm"].vmin / 1.3, points["norm"].vmax * 1.3
        )  # at least a decade, so always a labelled tick
        right.set(xlabel=r"Tumour volume $\int c\,dx$ (ml)", ylabel=error)
        right.set_xlim(0, 1.08 * frame["volume"].max())
        left.margins(0.06 if len(frame) > 8 else 0.3)
        for ax, letter in ((left, "a"), (right, "b")):
            style.panel_letter(ax, letter)
        bar = fig.colorbar(shown, ax=[left, right], aspect=30, pad=0.01, label=error)
        bar.outline.set_linewidth(0.4)
        style.save(fig, stem)


def case_errors(
    metrics: str | Path | pd.DataFrame, method: str = "gb_surrogate", cases: str = "sri24", metric: str = "mse"
) -> pd.DataFrame:
    """
    The frame that `landscape` draws, for one method.

    Parameters
    ----------
    metrics : path or DataFrame
        results/metrics.csv (`gliofit.evaluation.metrics.COLUMNS`).
    method : str
        The paper's Figure 5 is of `gb_surrogate`.
    cases : str
        The set of test cases.
    metric : str

    Returns
    -------
    DataFrame
        One row per case: mu_D (mm), mu_rho, volume (ml) and error.

    Raises
    ------
    InputError
        If the method has no such values.
    """
    frame = read_metrics(metrics)
    frame = frame[(frame["set"] == cases) & (frame["method"] == method)]
    wide = frame.pivot(index="case", columns="metric", values="value")
    columns = {"true_mu_D": "mu_D", "true_mu_rho": "mu_rho", "true_volume": "volume", metric: "error"}
    missing = [name for name in columns if name not in wide]
    if missing:
        raise InputError(f"figure 5: {method} has no values of {', '.join(missing)} on set {cases}")
    return wide[list(columns)].rename(columns=columns)


def worst_cases(
    metrics: str | Path | pd.DataFrame, methods: list[str], cases: str = "sri24", metric: str = "mse"
) -> pd.DataFrame:
    """
    The case that each method does worst on.

    Parameters
    ----------
    metrics, cases, metric
        As for `case_errors`.
    methods : list of str
        In the order that the rows shall have.

    Returns
    -------
    DataFrame
        Indexed by method: case, value. Methods without values are left out.
    """
    frame = read_metrics(metrics)
    frame = frame[(frame["set"] == cases) & (frame["metric"] == metric)].dropna()
    worst = frame.sort_values(["value", "case"]).groupby("method").last()[["case", "value"]]
    return worst.loc[[method for method in methods if method in worst.index]]
