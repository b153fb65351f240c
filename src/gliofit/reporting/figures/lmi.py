"""Inferred tumours beside true ones: Figures 3, 4 and 6 of Learn-Morph-Infer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.errors import InputError
from gliofit.evaluation.lmi_examples import Example
from gliofit.reporting.figures import style
from gliofit.reporting.figures.slices import ISOLINES, Plane, anatomy, canonical


def examples(stem: str | Path, tissue: Tissue, rows: list[Example]) -> None:
    """
    A row for each tumour – outlines, the true density, what was inferred, the last one's difference –, as pdf and png.

    Slices are axial, through most of the true tumour; each inferred density has its Dice with the true one.

    Parameters
    ----------
    stem : path without suffix
    tissue : Tissue
        The grid of the densities.
    rows : list of Example
        All with the same `found`.
    """
    if not rows:
        raise InputError("figure of Learn-Morph-Infer: there are no test tumours")
    names = list(rows[0].found)
    columns = 3 + len(names)
    with style.figure(style.PAGE, 0.5 + 1.6 * len(rows)) as fig:
        axes = fig.subplots(len(rows), columns, squeeze=False)
        for line, row in zip(axes, rows, strict=True):
            shown = _row(line, tissue, row)
        for ax, name in zip(axes[0], ["Outlines", "Truth", *names, "Its error"], strict=True):
            ax.set_title(name)
        # beside all axes, so that they stay of one size
        where: dict[str, Any] = {
            "location": "bottom",
            "anchor": (1.0, 1.0),
            "shrink": 0.9 / columns,
            "aspect": 20,
            "pad": 0.01,
        }
        bar = fig.colorbar(shown, ax=axes, label=r"$\Delta c$", **where)
        bar.outline.set_linewidth(0.4)
        style.save(fig, stem)


def _row(line, tissue: Tissue, row: Example):
    """Draw one; what the colour bar is of."""

    def turned(field):
        return canonical(np.asarray(field, np.float32), tissue.affine)

    (image, affine), mask = turned(anatomy(tissue)), turned(tissue.brain)[0] > 0
    truth, core, whole = (turned(field)[0] for field in (row.truth, row.core, row.whole))
    plane = Plane.through(truth, affine)
    for ax in line:
        plane.image(ax, image, cmap="gray", vmin=0, vmax=1.1, interpolation="bilinear")
    plane.outline(line[0], whole, [0.5], colors=style.WHOLE, linestyles="dashed", linewidths=0.9)
    plane.outline(line[0], core, [0.5], colors=style.CORE, linewidths=0.9)
    for ax, density in zip(line[1:-1], [row.truth, *row.found.values()], strict=True):
        field = turned(density)[0]
        plane.density(ax, field)
        plane.outline(ax, field, ISOLINES[:1], colors="white", linewidths=0.5)
    for ax, overlap in zip(line[2:-1], row.overlaps.values(), strict=True):
        ax.text(0.97, 0.97, f"Dice {overlap:.2f}", transform=ax.transAxes, color="white", ha="right", va="top", size=6)
    difference = turned(list(row.found.values())[-1] - row.truth)[0]
    shown = plane.image(line[-1], difference, cmap=style.DIFFERENCE_MAP, vmin=-1, vmax=1, interpolation="nearest")
    plane.outline(line[-1], mask, [0.5], colors=style.MUTED, linewidths=0.4)
    for ax in line:
        plane.window(ax, mask)
    plane.sides(line[0])
    line[0].text(-0.04, 0.5, row.label, rotation=90, ha="right", va="center", transform=line[0].transAxes, size=6.5)
    return shown
