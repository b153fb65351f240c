"""GliODIL's Figure 2 on its synthetic patients: what fits are given, what is true, what they infer, and how far off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from gliofit.base.arrays import Array
from gliofit.evaluation.gliodil_scores import LOW
from gliofit.patients.prepared import Prepared
from gliofit.planning.plans import MARGIN_MM, model_plan, standard_plan
from gliofit.reporting.figures import style
from gliofit.reporting.figures.slices import Plane, anatomy

PLAN, STANDARD = "#FFFFFF", "#F0E442"
REACH_MM = 8.0
"""What the pictures show around the standard plan."""

PANELS = {"rmse": "RMSE", "rmse_hidden": "RMSE, unseen", "missed_15": "Missed, 15 mm", "missed_5": "Missed, 5 mm"}
"""Metrics of the lower row; all are better when lower and span decades."""


@dataclass(frozen=True, eq=False)
class View:
    """One patient: `densities` [x, y, z] by title, the truth first; all on the patient's RAS grid."""

    title: str
    patient: Prepared
    densities: dict[str, Array]


def synthetic_patients(stem: str | Path, views: list[View], metrics: pd.DataFrame, titles: dict[str, str]) -> None:
    """
    Draw the figure as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    views : list of View
        One row of pictures each, with the same densities.
    metrics : DataFrame
        Columns case, set (single, multi), method, metric, value.
    titles : dict of str → str
        By method, in the order of the plot.
    """
    columns = 1 + len(views[0].densities)
    with style.figure(style.PAGE, 0.4 + len(views) * style.PAGE / columns + 1.9) as fig:
        parts: Any = fig.subfigures(2, 1, height_ratios=(len(views) * style.PAGE / columns + 0.4, 1.9))
        above, below = parts
        axes = above.subplots(len(views), columns, squeeze=False)
        for row, view in zip(axes, views, strict=True):
            _pictures(row, view)
        for ax, title in zip(axes[0], ("FET-PET and outlines", *views[0].densities), strict=True):
            ax.set_title(title.replace(" (ours)", "").replace(", ", ",\n"), fontsize=6.5)
        lines = [
            Line2D([], [], color=style.CORE, lw=1, label="Tumour core"),
            Line2D([], [], color=style.WHOLE, lw=1, ls="--", label="Whole tumour"),
            Line2D([], [], color="#009E73", lw=1, label=f"c = {LOW:g}"),
            Line2D([], [], color=STANDARD, lw=1, ls=":", label=f"Standard plan ({MARGIN_MM:g} mm)"),
            Line2D([], [], color=PLAN, lw=1, label="Plan of equal volume"),
        ]
        key = above.legend(
            handles=lines, loc="outside lower center", ncols=5, frameon=True, facecolor="#404040", labelcolor="white"
        )
        key.get_frame().set_linewidth(0)
        _errors(below, metrics, titles)
        style.save(fig, stem)


def _pictures(row, view: View) -> None:
    patient = view.patient
    standard = standard_plan(patient.core, patient.brain, patient.tissue.spacing)
    plane = Plane.through(patient.whole, patient.affine)
    pet = patient.fet
    assert pet is not None  # every made patient has one
    brain = anatomy(patient.tissue)
    plane.image(row[0], pet, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    for ax, density in zip(row[1:], view.densities.values(), strict=True):
        plane.image(ax, brain, cmap="gray", vmin=0, vmax=1.3, interpolation="bilinear")
        plane.density(ax, density)
        plan = model_plan(density, int(standard.sum()), patient.brain, spacing=patient.tissue.spacing, fill=True)
        plane.outline(ax, density, [LOW], colors="#009E73", linewidths=0.8)
        plane.outline(ax, standard, [0.5], colors=STANDARD, linewidths=0.7, linestyles="dotted")
        plane.outline(ax, plan, [0.5], colors=PLAN, linewidths=0.6)
    for ax in row:
        plane.outline(ax, patient.whole, [0.5], colors=style.WHOLE, linewidths=0.6, linestyles="dashed", halo=True)
        plane.outline(ax, patient.core, [0.5], colors=style.CORE, linewidths=0.6, halo=True)
        plane.window(ax, standard, REACH_MM, square=True)
    plane.sides(row[0])
    plane.scale_bar(row[0])
    row[0].text(-0.06, 0.5, view.title, rotation=90, ha="right", va="center", transform=row[0].transAxes)


def _errors(fig, metrics: pd.DataFrame, titles: dict[str, str]) -> None:
    """One panel per metric: each dot a patient, the bar their median; filled: one focus, open: three."""
    axes = fig.subplots(1, len(PANELS))
    colours = style.colours(list(titles))
    for ax, (metric, label) in zip(axes, PANELS.items(), strict=True):
        shown = [m for m in titles if ((metrics["method"] == m) & (metrics["metric"] == metric)).any()]
        for place, method in enumerate(shown):
            rows = metrics[(metrics["method"] == method) & (metrics["metric"] == metric)]
            for shift, kind in ((-0.2, "single"), (0.2, "multi")):
                values = rows.loc[rows["set"] == kind, "value"].dropna().clip(lower=1e-8).to_numpy()
                x = place + shift + np.linspace(-0.1, 0.1, len(values)) if len(values) > 1 else place + shift
                face = colours[method] if kind == "single" else "none"
                ax.scatter(np.broadcast_to(x, values.shape), values, s=5, lw=0.5, ec=colours[method], fc=face)
                if len(values):
                    ax.plot(
                        [place + shift - 0.16, place + shift + 0.16], [np.median(values)] * 2, color=style.INK, lw=1
                    )
        ax.set_yscale("log")
        ax.set_title(label)
        ax.set_xticks([])
        ax.set_xlim(-0.6, len(shown) - 0.4)
    dots = {title: colours[method] for method, title in titles.items()}
    lines = [Line2D([], [], color=c, marker="o", ms=3, lw=0, label=_short(title)) for title, c in dots.items()]
    lines += [
        Line2D([], [], color=style.MUTED, marker="o", ms=3, lw=0, label="One focus"),
        Line2D([], [], color=style.MUTED, marker="o", ms=3, lw=0, mfc="none", label="Three foci"),
        Line2D([], [], color=style.INK, lw=1, label="Median"),
    ]
    fig.legend(handles=lines, loc="outside lower center", ncols=4)


def _short(title: str) -> str:
    return title.replace(" on the solver (ours)", "").replace(" (ours)", "")
