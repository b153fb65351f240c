"""Figure 4: patients' scans, what was segmented, and the cell density that was inferred beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import load_scan
from gliofit.reporting.figures import style
from gliofit.reporting.figures.slices import ISOLINES, Plane, canonical

CORE_LABELS = (1, 3, 4)
"""Necrotic and enhancing tumour in every BraTS edition (4 was renamed to 3)."""


@dataclass(frozen=True, eq=False)
class PatientView:
    """
    What a patient's picture shows; all volumes [x, y, z] on one grid.

    Parameters
    ----------
    name : str
    scan : ndarray
        Any intensity; 0 outside the brain.
    segmentation : ndarray of int
        BraTS labels.
    density : ndarray
        Inferred cell density in [0, 1].
    affine : ndarray (4, 4)
    """

    name: str
    scan: Array
    segmentation: Array
    density: Array
    affine: Array

    def __post_init__(self) -> None:
        affine = self.affine
        for field in ("scan", "segmentation", "density"):
            data = getattr(self, field)
            if data.shape != self.scan.shape:
                raise InputError(f"{self.name}: the {field} has shape {data.shape}, the scan {self.scan.shape}")
        for field in ("scan", "segmentation", "density"):
            data, turned = canonical(getattr(self, field), affine)
            object.__setattr__(self, field, data)
        object.__setattr__(self, "affine", turned)

    @classmethod
    def from_files(cls, name: str, scan: str | Path, segmentation: str | Path, density: str | Path) -> PatientView:
        """
        From NIfTI files on one grid.

        Parameters
        ----------
        name : str
        scan, segmentation, density : path

        Raises
        ------
        InputError
            Naming the file that is missing or on another grid.
        """
        images = [load_scan(path) for path in (scan, segmentation, density)]
        for path, image in zip((segmentation, density), images[1:], strict=True):
            if image.shape != images[0].shape or not np.allclose(image.affine, images[0].affine, atol=1e-2):
                raise InputError(f"{path}: not on the grid of {scan}")
        return cls(name, images[0].data, np.round(images[1].data).astype(int), images[2].data, images[0].affine)

    @property
    def brain(self) -> Array:
        return self.scan > 0

    def plane(self, name: str = "axial") -> Plane:
        """The slice with most inferred tumour (most segmented tumour if none was inferred)."""
        weights = self.density if self.density.any() else self.segmentation > 0
        return Plane.through(weights, self.affine, name)


def _scan(ax, view: PatientView, plane: Plane) -> None:
    inside = view.scan[view.brain]
    low, high = np.percentile(inside, (1, 99.5)) if inside.size else (0, 1)
    plane.image(ax, view.scan, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="bilinear")


def _segmentation(ax, view: PatientView, plane: Plane) -> None:
    plane.outline(ax, view.segmentation > 0, [0.5], colors=style.WHOLE, linewidths=0.8, linestyles="dashed", halo=True)
    plane.outline(ax, np.isin(view.segmentation, CORE_LABELS), [0.5], colors=style.CORE, linewidths=0.8, halo=True)


def _inferred(ax, view: PatientView, plane: Plane) -> None:
    plane.density(ax, view.density)
    plane.outline(ax, view.density, ISOLINES, colors="white", linewidths=(0.4, 0.6, 0.8))
    _segmentation(ax, view, plane)


def _finish(ax, view: PatientView, plane: Plane) -> None:
    plane.window(ax, view.brain, square=True)
    plane.sides(ax)


def _key(fig, axes) -> None:
    """Colour bar of the density, and what the lines are."""
    stops = np.linspace(0.15, 1, 64)
    shown = LinearSegmentedColormap.from_list("shown", style.mpl.colormaps[style.DENSITY_MAP](stops))
    bar = fig.colorbar(ScalarMappable(cmap=shown), ax=axes, shrink=0.6, aspect=25, pad=0.01)
    bar.set_label("Inferred cell density $c$")
    bar.outline.set_linewidth(0.4)
    for level in ISOLINES:
        bar.ax.axhline(level, color="white", lw=0.6)
    bar.set_ticks([*ISOLINES, 0.25, 0.75, 1.0])
    lines = [
        Line2D([], [], color=style.CORE, lw=1.2, label="Tumour core (segmented)"),
        Line2D([], [], color=style.WHOLE, lw=1.2, ls="--", label="Whole tumour (segmented)"),
        Line2D([], [], color="white", lw=0.9, label=f"Inferred $c$ = {', '.join(f'{v:g}' for v in ISOLINES)}"),
    ]
    key = fig.legend(
        handles=lines, loc="outside lower center", ncols=3, frameon=True, facecolor="#404040", labelcolor="white"
    )
    key.get_frame().set_linewidth(0)


def patients(stem: str | Path, views: list[PatientView], scan_name: str = "T1c") -> None:
    """
    Figure 4: one row per patient – scan, segmentation outlines, inferred density with isolines – as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    views : list of PatientView
        At least one; the axial slice with most tumour is shown.
    scan_name : str
        Sequence of the scans, for the heading.

    Raises
    ------
    InputError
        If there is no view.
    """
    if not views:
        raise InputError("figure 4 needs at least one patient")
    with style.figure(style.PAGE, 0.3 + 2.15 * len(views)) as fig:
        axes = fig.subplots(len(views), 3, squeeze=False)
        for row, view in zip(axes, views, strict=True):
            plane = view.plane()
            for ax in row:
                _scan(ax, view, plane)
            _segmentation(row[1], view, plane)
            _inferred(row[2], view, plane)
            for ax in row:
                _finish(ax, view, plane)
            plane.scale_bar(row[0])
            row[0].text(-0.04, 0.5, view.name, rotation=90, ha="right", va="center", transform=row[0].transAxes)
        for ax, title in zip(axes[0], (f"Scan ({scan_name})", "Segmentation", "Inferred cell density"), strict=True):
            ax.set_title(title)
        _key(fig, axes)
        style.save(fig, stem)


def patient(stem: str | Path, view: PatientView) -> None:
    """
    One fit of one patient in three planes, scan above and inferred density below, as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    view : PatientView
    """
    with style.figure(style.PAGE, 4.4) as fig:
        axes = fig.subplots(2, 3)
        for (above, below), name in zip(axes.T, ("axial", "coronal", "sagittal"), strict=True):
            plane = view.plane(name)
            _scan(above, view, plane)
            _segmentation(above, view, plane)
            _scan(below, view, plane)
            _inferred(below, view, plane)
            for ax in (above, below):
                _finish(ax, view, plane)
            plane.scale_bar(above)
            above.set_title(name.capitalize())
        _key(fig, axes)
        style.save(fig, stem)
