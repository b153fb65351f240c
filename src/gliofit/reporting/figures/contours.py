"""Contours of a structure set on the slices that they refer to, both as they are in the DICOM files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from pydicom.dataset import Dataset

from gliofit.base.arrays import Array
from gliofit.base.files import read_json, whole_file
from gliofit.patients.dicom_headers import read_series
from gliofit.patients.dicom_series import FILE, DicomSeries
from gliofit.planning.dicom.folder import SERIES, STRUCTURE_SET
from gliofit.reporting.figures import style

AT = (0.25, 0.5, 0.75)
"""Slices shown, as shares of the first structure's (the GTV's) extent."""


def contour_picture(results: str | Path, path: str | Path) -> None:
    """
    Three slices of the series with all contours.

    Parameters
    ----------
    results : path
        `results/{patient}`, with `dicom/`.
    path : path
        PNG to write.
    """
    results = Path(results)
    folder = results / "dicom"
    made = read_json(results / "dicom.json")["made"]
    series = read_series(folder / SERIES) if made else DicomSeries.load(results / "prepared" / FILE)
    draw_contours(pydicom.dcmread(folder / STRUCTURE_SET), series, path)


def draw_contours(structure_set: Dataset, series: DicomSeries, path: str | Path) -> None:
    """`contour_picture` of a structure set and its series."""
    names = {roi.ROINumber: str(roi.ROIName) for roi in structure_set.StructureSetROISequence}
    outlines = [_by_slice(roi, series) for roi in structure_set.ROIContourSequence]
    first = sorted(outlines[0])
    shown = [first[round(share * (len(first) - 1))] for share in AT]
    with style.figure(style.PAGE, 3.2) as fig:
        axes = fig.subplots(1, len(shown))
        for ax, k in zip(axes, shown, strict=True):
            image = _pixels(series, k)
            aspect = series.pixel_spacing[0] / series.pixel_spacing[1]
            ax.imshow(image, cmap="gray", aspect=aspect, vmax=np.percentile(image[image > image.min()], 99.5))
            # the first, GTV and standard CTV, lie on top
            for roi, found in reversed(list(zip(structure_set.ROIContourSequence, outlines, strict=True))):
                for points in found.get(k, []):
                    ax.plot(*np.vstack([points, points[:1]]).T, color=_colour(roi), linewidth=0.7)
            _near(ax, outlines, series)
            words = f"slice {k + 1} of {len(series.slices)}"
            ax.text(0.02, 0.98, words, transform=ax.transAxes, va="top", color="white", size=6.5)
            ax.set_axis_off()
        keys = [
            Line2D([], [], color=_colour(roi), label=names[roi.ReferencedROINumber])
            for roi in structure_set.ROIContourSequence
        ]
        fig.legend(handles=keys, loc="outside lower center", ncols=min(6, len(keys)))
        with whole_file(path) as part:
            fig.savefig(part, format="png", dpi=200, metadata={"Software": None})


def _colour(roi: Dataset) -> tuple[float, float, float]:
    red, green, blue = (int(part) / 255 for part in roi.ROIDisplayColor)
    return red, green, blue


def _by_slice(roi: Dataset, series: DicomSeries) -> dict[int, list[Array]]:
    """Contours of a structure: slice → corners (n, 2) in columns and rows."""
    inverse = np.linalg.inv(series.lps)
    found: dict[int, list[Array]] = {}
    for contour in roi.ContourSequence:
        points = np.array(contour.ContourData, float).reshape(-1, 3) @ inverse[:3, :3].T + inverse[:3, 3]
        found.setdefault(round(points[0, 2]), []).append(points[:, :2])
    return found


def _pixels(series: DicomSeries, k: int) -> Array:
    place = series.slices[k]
    pixels = pydicom.dcmread(place.file).pixel_array
    return pixels if place.frame is None else pixels[place.frame - 1]


def _near(ax: Axes, outlines: list[dict[int, list[Array]]], series: DicomSeries, margin_mm: float = 15.0) -> None:
    """Show what is around the contours, and no more."""
    points = np.concatenate([p for found in outlines for each in found.values() for p in each])
    margin = margin_mm / np.array(series.pixel_spacing[::-1])
    low = np.maximum(points.min(0) - margin, -0.5)
    high = np.minimum(points.max(0) + margin, np.array(series.shape[:2]) - 0.5)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(high[1], low[1])
