"""Ezhov 2021, Figs. 6 to 9: the geometry-aware surrogate's errors by age, tissue, density and anatomy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gliofit.base.errors import InputError
from gliofit.evaluation.geometry_aware_scores import LEVELS
from gliofit.reporting.figures import style

TISSUES = {"mae_wm": "White matter", "mae_gm": "Grey matter", "mae_csf": "CSF"}

BINS = 20


def _wide(frame: pd.DataFrame, method: str, where: tuple[str, ...]) -> pd.DataFrame:
    """A method's scores on some sets: a row per case, a column per metric, and the anatomy's name."""
    own = frame[(frame["method"] == method) & frame["set"].isin(where)]
    wide = own.pivot(index=["set", "case"], columns="metric", values="value").reset_index()
    if wide.empty:
        raise InputError(f"there are no scores of {method} on {' or '.join(where)}")
    head = wide["case"].str.split("/").str[1]
    return wide.assign(anatomy=np.where(wide["set"] == "unseen", head, "deformed " + head))


def ages(stem: str | Path, frame: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """
    Fig. 6: mean absolute error over the tumour by its age, mean and standard deviation, as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    frame : DataFrame
        `gliofit.evaluation.geometry_aware_scores.scores`.
    titles : mapping of method → title
        Those that are shown.
    """
    with style.figure(style.COLUMN, 2.4) as fig:
        ax = fig.subplots()
        for number, (method, title) in enumerate(titles.items()):
            by_age = _wide(frame, method, ("test",)).groupby("days")["mae_tumour"].agg(["mean", "std"])
            bars: dict[str, Any] = {"fmt": "o-", "ms": 3, "lw": 0.8, "elinewidth": 0.6, "capsize": 1.5}
            place = by_age.index + 6 * number  # so that bars stand side by side
            spread = by_age["std"].fillna(0)
            ax.errorbar(place, by_age["mean"], spread, color=style.PALETTE[number], label=title, **bars)
        ax.set(xlabel="Age $T$ (days)", ylabel="MAE over the tumour", ylim=(0, None))
        fig.legend(loc="outside upper left")
        style.save(fig, stem)


def tissues(stem: str | Path, frame: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Fig. 7: histograms of the mean absolute error in each class of tissue; parameters as for `ages`."""
    _histograms(stem, frame, titles, TISSUES, "MAE")


def overlaps(stem: str | Path, frame: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Fig. 8: histograms of Dice at three densities; parameters as for `ages`."""
    _histograms(stem, frame, titles, {name: f"$u_c$ = {level:g}" for name, level in LEVELS.items()}, "Dice")


def _histograms(
    stem: str | Path, frame: pd.DataFrame, titles: Mapping[str, str], panels: Mapping[str, str], label: str
) -> None:
    values = {method: _wide(frame, method, ("test",)) for method in titles}
    with style.figure(style.PAGE, 2.2) as fig:
        for ax, (metric, title) in zip(fig.subplots(1, len(panels)), panels.items(), strict=True):
            found = {method: wide[metric].dropna().to_numpy() for method, wide in values.items()}
            top = 1.0 if label == "Dice" else max(float(v.max(initial=1e-3)) for v in found.values())
            for number, v in enumerate(found.values()):
                colour = style.PALETTE[number]
                ax.hist(v, np.linspace(0, top, BINS + 1), color=colour, histtype="stepfilled", alpha=0.3)
                ax.hist(v, np.linspace(0, top, BINS + 1), color=colour, histtype="step", lw=0.8)
                ax.axvline(v.mean() if v.size else np.nan, color=colour, lw=0.9, ls="--")
            ax.set(title=title, xlabel=label, xlim=(0, top))
        fig.axes[0].set_ylabel("Tumours")
        keys = [Line2D([], [], color=style.PALETTE[i], label=title) for i, title in enumerate(titles.values())]
        fig.legend(handles=keys, loc="outside upper left", ncols=len(keys))
        style.save(fig, stem)


def anatomies(stem: str | Path, frame: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Fig. 9: Dice at 0.2 and mean absolute error by anatomy, means and standard errors; parameters as for `ages`."""
    values = {method: _wide(frame, method, ("test", "unseen")) for method in titles}
    names = list(dict.fromkeys(name for wide in values.values() for name in sorted(wide["anatomy"])))
    with style.figure(style.PAGE, 1.0 + 0.2 * len(names)) as fig:
        panels = fig.subplots(1, 2, sharey=True)
        for ax, (metric, label) in zip(
            panels, (("dice_2", "Dice above 0.2"), ("mae", "MAE over the crop")), strict=True
        ):
            for number, wide in enumerate(values.values()):
                by_anatomy = wide.groupby("anatomy")[metric].agg(["mean", "sem"]).reindex(names)
                _points(ax, by_anatomy, number)
            ax.set_xlabel(label)
            ax.grid(axis="y", color=style.FAINT, lw=0.4)
        panels[0].set_yticks(range(len(names)), names)
        panels[0].invert_yaxis()
        panels[0].set_xlim(right=1)
        panels[1].set_xlim(left=0)
        panels[1].locator_params(axis="x", nbins=5)
        keys = [
            Line2D([], [], color=style.PALETTE[i], marker="o", ms=3, ls="", label=title)
            for i, title in enumerate(titles.values())
        ]
        fig.legend(handles=keys, loc="outside upper left", ncols=len(keys))
        style.save(fig, stem)


def _points(ax: Axes, rows: pd.DataFrame, number: int) -> None:
    place = np.arange(len(rows)) + 0.15 * number
    bars: dict[str, Any] = {"fmt": "o", "ms": 3, "elinewidth": 0.8}
    ax.errorbar(rows["mean"], place, xerr=rows["sem"].fillna(0), color=style.PALETTE[number], **bars)
