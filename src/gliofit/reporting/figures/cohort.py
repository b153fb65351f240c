"""How the cohort's outlines compare with those of real segmentations, and with the plain prior's."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from gliofit.base.errors import InputError
from gliofit.reporting.figures import style

PANELS = {
    "volume": ("Volume (ml)", True),
    "ratio": ("Core / whole", False),
    "pieces": ("Pieces ≥ 0.05 ml", False),
    "surface": ("Surface / ball's", False),
    "smoothness": ("Dice with itself smoothed", False),
}
"""Measures of `gliofit.evaluation.outline_shapes`: label, and whether the axis is logarithmic."""

OUTLINES = {"core": ("Core", style.PALETTE[0]), "whole": ("Whole tumour", style.OURS)}
LINES = {"cohort": "-", "prior": ":"}


def segmented_shapes() -> pd.DataFrame:
    """Shapes of six public segmentations (`benchmarks/outline_shapes.py`), one row each."""
    with (resources.files(__package__) / "segmented_shapes.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")


def cohort_shapes(stem: str | Path, shapes: pd.DataFrame) -> None:
    """
    Cumulative shares by measure, as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    shapes : DataFrame
        Columns of `gliofit.evaluation.outline_shapes.shapes`, and `of`: "cohort" or "prior".
    """
    if not (shapes["of"] == "cohort").any():
        raise InputError("figure of the cohort: it has no patients")
    real = segmented_shapes()
    with style.figure(style.PAGE, 2.0) as fig:
        axes = fig.subplots(1, len(PANELS), sharey=True)
        for ax, (measure, (label, logarithmic)) in zip(axes, PANELS.items(), strict=True):
            shown = {"": ("", style.INK)} if measure == "ratio" else OUTLINES
            for place, (part, (_, colour)) in enumerate(shown.items()):
                column = f"{part}_{measure}" if part else measure
                for of, line in LINES.items():
                    values = np.sort(shapes.loc[shapes["of"] == of, column].dropna())
                    if len(values):
                        share = np.arange(len(values) + 1) / len(values)
                        ax.step([values[0], *values], share, where="post", color=colour, ls=line)
                # a row of ticks for each outline, so that they do not hide one another
                ax.vlines(real[column], 0.07 * place, 0.07 * place + 0.06, color=colour, lw=1)
            ax.set_xlabel(label)
            if logarithmic:
                ax.set_xscale("log")
        axes[0].set(ylabel="Share of tumours", ylim=(0, 1.02))
        counts = shapes["of"].value_counts()
        for (name, line), title in zip(LINES.items(), ("cohort", "plain prior"), strict=True):
            axes[0].plot([], [], color=style.INK, ls=line, label=f"{title} ({counts.get(name, 0)})")
        for title, colour in OUTLINES.values():
            axes[0].plot([], [], color=colour, label=title)
        axes[0].plot([], [], color=style.INK, marker="|", ls="", label=f"public segmentations ({len(real)})")
        fig.legend(loc="outside upper center", ncols=5)
        style.save(fig, stem)
