"""Coverage of recurrences over the volume of plans, and what λ_PDE and the start change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gliofit.evaluation.intervals import bootstrap
from gliofit.planning.coverage import CURVE_MM
from gliofit.reporting.figures import style

STUDIED = {
    "rmse_hidden": "RMSE, unseen",
    "dice_low": "Dice at 10 %",
    "dice_core": "Core Dice",
    "dice_edema": "Edema Dice",
}
"""Scores of the study of λ_PDE, one panel each."""


def coverage_curves(stem: str | Path, table: pd.DataFrame, titles: dict[str, str], sets: dict[str, str]) -> None:
    """
    Mean coverage of the whole recurrence by plans of the volumes of standard plans, a panel per set of patients.

    Parameters
    ----------
    stem : path without suffix
    table : DataFrame
        Of `gliofit.evaluation.comparison.compare`.
    titles, sets : dict of str → str
        Of methods and of sets; those that the table lacks are left out.
    """
    present = [name for name in sets if (table["set"] == name).any()]
    colours, lines = style.colours(list(titles)), {"standard": "--", "geodesic": "--"}
    for method, colour in colours.items():  # there are more methods than colours
        taken = {lines[other] for other in lines if colours[other] == colour}
        lines.setdefault(method, next(line for line in ("-", ":", "-.") if line not in taken))
    with style.figure(style.PAGE, 2.5) as fig:
        axes = np.atleast_1d(fig.subplots(1, len(present), sharey=True))
        for ax, name in zip(axes, present, strict=True):
            part = table[table["set"] == name]
            for method in (m for m in titles if (part["method"] == m).any()):
                rows = part[part["method"] == method].set_index("metric")
                points = rows.loc[[f"coverage_broad_{m:g}" for m in CURVE_MM]] * 1
                ax.plot(CURVE_MM, 100 * points["mean"], lines[method], label=titles[method], color=colours[method])
                ends = 100 * points["low"], 100 * points["high"]
                ax.fill_between(CURVE_MM, *ends, color=colours[method], alpha=0.08, lw=0)
            n = int(part.loc[part["metric"] == "coverage_broad", "n"].max())
            ax.set_title(f"{sets[name]}\nN = {n}")
            ax.set_xticks(CURVE_MM)
        axes[0].set_ylabel("recurrence covered, %")
        # one for all, as panels are narrow
        axes[len(axes) // 2].set_xlabel("standard plan of equal volume, mm")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
        style.save(fig, stem)


def weight_study(stem: str | Path, rows: pd.DataFrame, titles: dict[str, str]) -> None:
    """
    GliODIL's Fig. 2 a and e in numbers: scores over λ_PDE, of the field and of the solver at its coefficients.

    Parameters
    ----------
    stem : path without suffix
    rows : DataFrame
        Columns case, set (single, multi), study, setting, method, metric, value.
    titles : dict of str → str
        Of the methods.
    """
    chosen = rows[rows["study"] == "pde_weight"]
    colours = style.colours(list(titles))
    with style.figure(style.PAGE, 2.3) as fig:
        axes = fig.subplots(1, len(STUDIED))
        for ax, (metric, label) in zip(axes, STUDIED.items(), strict=True):
            for method in titles:
                for kind, line in (("single", "-"), ("multi", ":")):
                    part = chosen[(chosen["metric"] == metric) & (chosen["method"] == method) & (chosen["set"] == kind)]
                    if part.empty:
                        continue
                    means = {float(w): bootstrap(v["value"]) for w, v in part.groupby("setting")}
                    x = list(means)
                    name = f"{titles[method]}, {'one focus' if kind == 'single' else 'three foci'}"
                    ax.plot(
                        x, [m.mean for m in means.values()], line, color=colours[method], label=name, marker="o", ms=2
                    )
                    low, high = ([getattr(m, end) for m in means.values()] for end in ("low", "high"))
                    ax.fill_between(x, low, high, color=colours[method], alpha=0.08, lw=0)
            ax.set_xscale("log")
            ax.set_title(label)
            ax.set_xlabel("λ_PDE")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
        style.save(fig, stem)
