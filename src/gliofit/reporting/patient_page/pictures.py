"""The pictures of a patient's page: densities, plans and uncertainty as lines and washes on the scan."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.nifti import load_scan
from gliofit.patients.prepared import Prepared
from gliofit.reporting.figures import style
from gliofit.reporting.figures.patient_view import CORE_COLOUR, DENSITY_LINES, WHOLE_COLOUR, View
from gliofit.reporting.figures.slices import ISOLINES, PLANES, Plane, anatomy

STANDARD_COLOUR, METHOD_COLOUR, RECURRENCE_COLOUR = "#FFFFFF", "#E69F00", "#FF6EC7"
HANGING_COLOUR, ORIGIN_COLOUR = "#56B4E9", "#FF4040"
COLUMNS = 4
"""Methods in a row."""

MARGIN_MM = 25.0
"""Around the whole tumour in a close-up."""

WASH = "viridis"


def backgrounds(prepared: Prepared) -> dict[str, Array]:
    """The patient's images to draw on, by name, [x, y, z]; without any, a picture of the tissue maps."""
    patient = prepared.patient
    files = {"T1c": patient.t1c, "FLAIR": patient.flair, "FET-PET": patient.fet}
    found = {name: load_scan(path).data for name, path in files.items() if path}
    if "T1c" not in found and patient.t1:
        found = {"T1": load_scan(patient.t1).data} | found
    if not set(found) - {"FET-PET"}:
        found = {"Tissue maps": anatomy(prepared.tissue)} | found
    return found


def fit_picture(prepared: Prepared, density: Array, origins: Array, images: Mapping[str, Array]) -> bytes:
    """
    Isolines of a density on each image, in three planes through the tumour, with the segmentation and the origin.

    Parameters
    ----------
    prepared : Prepared
    density : ndarray [x, y, z]
        On the scan's grid.
    origins : ndarray [foci, 3]
        mm of the scan's space; drawn in every plane, as seen along its normal.
    images : mapping of name → ndarray [x, y, z]
        See `backgrounds`.

    Returns
    -------
    bytes
        PNG.
    """
    with style.figure(style.PAGE, 0.45 + 2.45 * len(images)) as fig:
        axes = fig.subplots(len(images), 3, squeeze=False)
        for row, (name, image) in zip(axes, images.items(), strict=True):
            view = View(prepared, image)
            turned = view.turn(density)
            for ax, (title, plane) in zip(row, _planes(view).items(), strict=True):
                view.background(ax, plane)
                view.tumour(ax, plane)
                for level, colour in zip(ISOLINES, DENSITY_LINES, strict=True):
                    plane.outline(ax, turned, [level], colors=colour, linewidths=0.9)
                for origin in origins:
                    _cross(ax, plane, grids.to_voxel(view.turned, origin))
                ax.set_title(f"{name}, {title}")
            plane.scale_bar(row[-1])
        _legend(fig, [*_isolines(), *_segmentation(), _marker("origin θ̂ (seen through)")])
        return _png(fig)


def methods_picture(prepared: Prepared, densities: Mapping[str, Array], background: Array) -> bytes:
    """
    The same axial slice for every method, close up: density as a wash, its isolines, and the segmentation.

    Parameters
    ----------
    densities : mapping of title → ndarray [x, y, z]
    background : ndarray [x, y, z]
    """
    view = View(prepared, background)
    plane = _planes(view)["axial"]
    turned = {title: view.turn(density) for title, density in densities.items()}
    rows = -(-len(turned) // COLUMNS)
    with style.figure(style.PAGE, 0.45 + 1.95 * rows) as fig:
        axes = fig.subplots(rows, COLUMNS, squeeze=False).ravel()
        for ax, (title, density) in zip(axes, turned.items(), strict=False):
            view.background(ax, plane)
            plane.density(ax, density)
            plane.outline(ax, density, ISOLINES, colors="white", linewidths=(0.4, 0.6, 0.8))
            view.tumour(ax, plane)
            plane.window(ax, view.whole, margin=MARGIN_MM, square=True)
            plane.sides(ax)
            plane.scale_bar(ax)
            ax.set_title(title, size=6.5)
        for ax in axes[len(turned) :]:
            ax.set_axis_off()
        lines = Line2D([], [], color="white", lw=0.8, label="c = " + ", ".join(f"{v:g}" for v in ISOLINES))
        _legend(fig, [lines, *_segmentation()])
        return _png(fig)


def plans_picture(
    prepared: Prepared,
    standard: Array,
    model: Array,
    title: str,
    recurrence: Array | None,
    background: Array,
    hanging: Mapping[str, Array] | None = None,
) -> bytes:
    """
    Outlines of the standard plan and of a method's plan of equal volume, in three planes.

    Parameters
    ----------
    standard, model : ndarray of bool [x, y, z]
    title : str
        The method's.
    recurrence : ndarray [x, y, z], optional
        Where the tumour came back, as far as that is known.
    hanging : mapping of str → ndarray of bool [x, y, z], optional
        What of the method's plan hangs on each further focus.
    """
    view = View(prepared, background)
    lines = [
        (standard, STANDARD_COLOUR, "dashed", "standard plan"),
        (model, METHOD_COLOUR, "solid", f"plan of {title}"),
    ]
    lines += [(prepared.core, CORE_COLOUR, "solid", "tumour core")]
    if hanging and np.any(list(hanging.values())):
        part = np.any(list(hanging.values()), axis=0)
        lines += [(part, HANGING_COLOUR, "dotted", "hangs on a further focus")]
    if recurrence is not None and np.any(recurrence):
        lines += [(recurrence > 0, RECURRENCE_COLOUR, "solid", "recurrence")]
    with style.figure(style.PAGE, 2.9) as fig:
        for ax, (name, plane) in zip(fig.subplots(1, 3), _planes(view).items(), strict=True):
            view.background(ax, plane)
            for mask, colour, dashes, _ in lines:
                plane.outline(ax, view.turn(mask), [0.5], colors=colour, linewidths=1.0, linestyles=dashes)
            ax.set_title(name)
        plane.scale_bar(ax)
        _legend(fig, [Line2D([], [], color=colour, ls=dashes, lw=1.2, label=text) for _, colour, dashes, text in lines])
        return _png(fig)


def deviation_picture(prepared: Prepared, density: Array, deviation: Array, background: Array) -> bytes:
    """
    The density's standard deviation as a wash, with the density's isolines, in three planes.

    Parameters
    ----------
    density, deviation : ndarray [x, y, z]
        On the scan's grid.
    """
    view = View(prepared, background)
    spread, turned = view.turn(deviation), view.turn(density)
    top = max(float(spread.max()), 1e-6)
    with style.figure(style.PAGE, 2.9) as fig:
        axes = fig.subplots(1, 3)
        for ax, (name, plane) in zip(axes, _planes(view).items(), strict=True):
            view.background(ax, plane)
            shade = np.clip(plane.of(spread) / top, 0, 1)
            rgba = colormaps[WASH](shade)
            rgba[..., 3] = 0.9 * np.clip(shade / 0.1, 0, 1)
            plane.image(ax, rgba, interpolation="nearest")
            plane.outline(ax, turned, ISOLINES, colors="white", linewidths=(0.4, 0.6, 0.8))
            plane.window(ax, view.brain, square=True)
            ax.set_title(name)
        plane.scale_bar(ax)
        mappable = style.mpl.cm.ScalarMappable(style.mpl.colors.Normalize(0, top), WASH)
        bar = fig.colorbar(mappable, ax=axes, shrink=0.8, aspect=22, pad=0.01)
        bar.set_label("Standard deviation of $c$")
        bar.outline.set_linewidth(0.4)
        _legend(fig, [Line2D([], [], color="white", lw=0.8, label="c = " + ", ".join(f"{v:g}" for v in ISOLINES))])
        return _png(fig)


def _planes(view: View) -> dict[str, Plane]:
    return dict(zip(("axial", "coronal", "sagittal"), view.planes(), strict=True))


def _cross(ax, plane: Plane, voxel: Array) -> None:
    """A point (continuous voxel indices) as a cross, projected along the plane's normal."""
    horizontal, vertical = (a for a in PLANES.values() if a != plane.axis)
    at = (voxel + 0.5) * plane.spacing
    ax.plot(at[horizontal], at[vertical], "+", color=ORIGIN_COLOUR, ms=5, mew=0.9)


def _isolines() -> list[Line2D]:
    return [Line2D([], [], color=v, lw=1.2, label=f"c = {c:g}") for c, v in zip(ISOLINES, DENSITY_LINES, strict=True)]


def _segmentation() -> list[Line2D]:
    return [
        Line2D([], [], color=CORE_COLOUR, lw=1.2, label="tumour core (segmented)"),
        Line2D([], [], color=WHOLE_COLOUR, lw=1.2, ls="--", label="whole tumour (segmented)"),
    ]


def _marker(label: str) -> Line2D:
    return Line2D([], [], color=ORIGIN_COLOUR, marker="+", ls="none", ms=5, label=label)


def _legend(fig, handles: list[Line2D]) -> None:
    box = fig.legend(
        handles=handles, loc="outside lower center", ncols=6, frameon=True, facecolor="#404040", labelcolor="white"
    )
    box.get_frame().set_linewidth(0)


def _png(fig) -> bytes:
    stream = BytesIO()
    fig.savefig(stream, format="png", dpi=180, metadata={"Software": None})
    return stream.getvalue()
