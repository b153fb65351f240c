"""Pictures to judge a patient's preparation and fit by: tissue outlines on the scan, and densities as isolines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from gliofit.base.arrays import Array
from gliofit.base.files import whole_file
from gliofit.patients.prepared import Prepared
from gliofit.reporting.figures import style
from gliofit.reporting.figures.slices import ISOLINES, Plane, anatomy, canonical

CORE_COLOUR, WHOLE_COLOUR = style.CORE, style.WHOLE
WM_LINE, CSF_LINE, BRAIN_LINE = "#E69F00", "#56B4E9", "#CC79A7"
DENSITY_LINES = ("#F0E442", "#E69F00", "#D55E00")
"""Isolines from faint to dense, in the order of `ISOLINES`."""


def preparation_picture(prepared: Prepared, path: str | Path) -> None:
    """
    Three slices through the tumour, twice: the scan with the tumour's outline, and with the tissue's.

    The title has the brain Dice of atlas and patient. What to look for: white matter (orange) and ventricles (blue) of
    the atlas on those of the scan, and the brain's outline (pink) on its edge.

    Parameters
    ----------
    prepared : Prepared
    path : path
        PNG to write.
    """
    view = View(prepared)
    overlap = prepared.report["brain_dice"]
    title = prepared.patient.id + {
        "registration": f" – brain Dice {overlap or 0:.3f}",
        "atlas": f" – atlas unregistered, brain Dice {overlap or 0:.3f}",
        "maps": " – the patient's own tissue maps",
    }.get(prepared.report["tissue"], "")
    wm, csf, brain = (view.turn(m) for m in (prepared.tissue.wm, prepared.tissue.csf, prepared.brain))
    with style.figure(style.PAGE, 5.0) as fig:
        axes = fig.subplots(2, 3)
        for column, plane in enumerate(view.planes()):
            for ax in axes[:, column]:
                view.background(ax, plane)
            view.tumour(axes[0, column], plane)
            plane.outline(axes[1, column], wm, [0.5], colors=WM_LINE, linewidths=0.6)
            plane.outline(axes[1, column], csf, [0.5], colors=CSF_LINE, linewidths=0.6)
            plane.outline(axes[1, column], brain, [0.5], colors=BRAIN_LINE, linewidths=0.6)
        _key(axes[0, 0], [("tumour core", CORE_COLOUR), ("whole tumour", WHOLE_COLOUR)])
        _key(axes[1, 0], [("white matter", WM_LINE), ("CSF", CSF_LINE), ("brain", BRAIN_LINE)])
        fig.suptitle(title, size=8)
        _save(fig, path)


def density_picture(prepared: Prepared, density: Array, path: str | Path, title: str = "") -> None:
    """
    Isolines of a density (0.01, 0.1 and 0.5) on three slices of the scan, with the segmented tumour.

    Parameters
    ----------
    prepared : Prepared
    density : ndarray [x, y, z]
        On the scan's grid.
    path : path
        PNG to write.
    title : str
        For example the method's name.
    """
    view = View(prepared)
    turned = view.turn(density)
    with style.figure(style.PAGE, 2.7) as fig:
        axes = fig.subplots(1, 3)
        for ax, plane in zip(axes, view.planes(), strict=True):
            view.background(ax, plane)
            view.tumour(ax, plane)
            for level, colour in zip(ISOLINES, DENSITY_LINES, strict=True):
                plane.outline(ax, turned, [level], colors=colour, linewidths=0.9)
        lines = [(f"c = {level:g}", colour) for level, colour in zip(ISOLINES, DENSITY_LINES, strict=True)]
        _key(axes[0], lines)
        fig.suptitle(" – ".join(t for t in (prepared.patient.id, title) if t), size=8)
        _save(fig, path)


class View:
    """
    A prepared patient turned to RAS, whatever the scan's orientation.

    Parameters
    ----------
    prepared : Prepared
    scan : ndarray [x, y, z], optional
        The background, on the scan's grid; otherwise T1c, T1 or FLAIR, and without any of them the tissue maps.
    """

    def __init__(self, prepared: Prepared, scan: Array | None = None):
        self.affine = prepared.affine
        self.turned = canonical(prepared.whole, self.affine)[1]
        patient = prepared.patient
        if scan is None:
            scan = prepared.scan.data if patient.t1 or patient.t1c or patient.flair else anatomy(prepared.tissue)
        self.scan = self.turn(np.where(prepared.brain, scan, 0))
        self.core, self.whole, self.brain = (self.turn(m) for m in (prepared.core, prepared.whole, prepared.brain))
        inside = self.scan[self.brain]
        self.window = np.percentile(inside, (0.5, 99.5)) if inside.size else (0.0, 1.0)

    def turn(self, data: Array) -> Array:
        return canonical(np.asarray(data), self.affine)[0]

    def planes(self) -> list[Plane]:
        """Axial, coronal and sagittal slice with most tumour core (whole tumour, if it has no core)."""
        weights = self.core if self.core.any() else self.whole
        return [Plane.through(weights, self.turned, name) for name in ("axial", "coronal", "sagittal")]

    def background(self, ax: Axes, plane: Plane) -> None:
        low, high = self.window
        plane.image(ax, self.scan, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="bilinear")
        plane.window(ax, self.brain, square=True)
        plane.sides(ax)

    def tumour(self, ax: Axes, plane: Plane) -> None:
        plane.outline(ax, self.whole, [0.5], colors=WHOLE_COLOUR, linewidths=0.8, linestyles="dashed")
        plane.outline(ax, self.core, [0.5], colors=CORE_COLOUR, linewidths=0.8)


def _key(ax, entries: list[tuple[str, str]]) -> None:
    """Names of lines in their colours, in the panel's lower left corner."""
    for i, (text, colour) in enumerate(entries):
        ax.text(0.02, 0.02 + 0.06 * i, text, color=colour, size=6, transform=ax.transAxes)


def _save(fig, path: str | Path) -> None:
    with whole_file(path) as part:
        fig.savefig(part, format="png", dpi=200, metadata={"Software": None})
