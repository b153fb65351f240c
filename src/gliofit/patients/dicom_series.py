"""
The DICOM series that a scan came in: where its slices lie, and what a plan must refer to.

`dicom_series.json` in a prepared patient's folder keeps the T1c's series. It has identifiers and geometry, no name,
date or other personal tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.files import read_json, write_json

FILE = "dicom_series.json"
"""In `results/{patient}/prepared/`, where the T1c came in as DICOM."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM's patient coordinates ↔ those of NIfTI; both mm."""


@dataclass(frozen=True)
class Slice:
    """
    One slice of a series.

    Parameters
    ----------
    file : Path
        The user's own.
    instance, sop_class : str
        SOPInstanceUID and SOPClassUID.
    position : tuple of float
        Centre of the first voxel, mm, LPS (ImagePositionPatient).
    frame : int, optional
        Number from 1, in a file of many frames.
    """

    file: Path
    instance: str
    sop_class: str
    position: tuple[float, float, float]
    frame: int | None = None


@dataclass(frozen=True)
class DicomSeries:
    """
    A volume of parallel slices.

    Parameters
    ----------
    slices : tuple of Slice
        Along the normal of the slices, `orientation[:3]` × `orientation[3:]`.
    study, series, frame_of_reference : str
        UIDs; the last is "" where the files have none.
    orientation : tuple of float
        ImageOrientationPatient: direction along a row, then along a column, LPS.
    pixel_spacing : tuple of float
        PixelSpacing, mm: from row to row, then from column to column.
    rows, columns : int
    """

    slices: tuple[Slice, ...]
    study: str
    series: str
    frame_of_reference: str
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, float]
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows, slices: the axes [x, y, z] of `affine`."""
        return self.columns, self.rows, len(self.slices)

    @property
    def lps(self) -> Array:
        """Column, row, slice (from 0) → mm in DICOM's LPS, (4, 4) (PS3.3, eq. C.7.6.2.1-1)."""
        affine = np.eye(4)
        affine[:3, 0] = np.array(self.orientation[:3]) * self.pixel_spacing[1]
        affine[:3, 1] = np.array(self.orientation[3:]) * self.pixel_spacing[0]
        first, last = (np.array(self.slices[i].position) for i in (0, -1))
        affine[:3, 2] = (last - first) / (len(self.slices) - 1)
        affine[:3, 3] = first
        return affine

    @property
    def affine(self) -> Array:
        """Column, row, slice (from 0) → mm in NIfTI's RAS, (4, 4)."""
        return LPS_TO_RAS @ self.lps

    def save(self, path: str | Path) -> None:
        """Write it as JSON, in DICOM's words."""
        slices = [
            {
                "SOPInstanceUID": s.instance,
                "SOPClassUID": s.sop_class,
                "file": str(s.file),
                "ImagePositionPatient": list(s.position),
            }
            | ({} if s.frame is None else {"frame": s.frame})
            for s in self.slices
        ]
        series = {
            "StudyInstanceUID": self.study,
            "SeriesInstanceUID": self.series,
            "FrameOfReferenceUID": self.frame_of_reference,
            "ImageOrientationPatient": list(self.orientation),
            "PixelSpacing": list(self.pixel_spacing),
            "Rows": self.rows,
            "Columns": self.columns,
            "slices": slices,
        }
        write_json(path, series)

    @classmethod
    def load(cls, path: str | Path) -> DicomSeries:
        """Read what `save` wrote."""
        series = read_json(path)
        slices = tuple(
            Slice(
                Path(s["file"]),
                s["SOPInstanceUID"],
                s["SOPClassUID"],
                tuple(s["ImagePositionPatient"]),
                s.get("frame"),
            )
            for s in series["slices"]
        )
        return cls(
            slices,
            series["StudyInstanceUID"],
            series["SeriesInstanceUID"],
            series["FrameOfReferenceUID"],
            tuple(series["ImageOrientationPatient"]),
            tuple(series["PixelSpacing"]),
            series["Rows"],
            series["Columns"],
        )
