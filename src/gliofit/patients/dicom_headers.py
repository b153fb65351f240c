"""
Reading the headers of a DICOM series, and refusing what is not one volume of parallel, equally spaced slices.

Converters make wrong volumes of such series, most of them without an error.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.patients.dicom_series import DicomSeries, Slice

UNEQUAL_MM = 0.01
"""Steps between slices that differ by more are no rounding (positions have three decimals and more)."""

DRIFT_MM = 0.5
"""A stack whose last slice lies further beside the first one's normal is tilted; rounded cosines move it by 0.2 mm."""

TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "SeriesDescription",
    "Modality",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "ImageType",
    "EchoTime",
    "EchoNumbers",
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "DiffusionBValue",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
"""What is read of a file."""


def read_series(folder: str | Path, uid: str | None = None) -> DicomSeries:
    """
    The series in a folder (or those below it), checked; files that are no DICOM images are passed over.

    Parameters
    ----------
    folder : path
    uid : str, optional
        SeriesInstanceUID, for a folder with several series.

    Raises
    ------
    InputError
        Naming the folder or file: no images, several series, images of other sizes or orientations, several images at
        one place (echoes, repeats, a slice twice), a missing slice, a tilted stack, no geometry.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of DICOM files")
    headers = [header for path in sorted(folder.rglob("*")) if (header := _header(path)) is not None]
    if not headers:
        raise InputError(f"{folder}: holds no DICOM images")
    found = Counter(str(h.get("SeriesInstanceUID", "")) for _, h in headers)
    if uid is None and len(found) > 1:
        names = {str(h.get("SeriesInstanceUID", "")): str(h.get("SeriesDescription", "unnamed")) for _, h in headers}
        each = ", ".join(f"{names[series]} ({number} files)" for series, number in found.items())
        raise InputError(f"{folder}: holds {len(found)} series, one is needed: {each}")
    headers = [(path, h) for path, h in headers if uid is None or h.get("SeriesInstanceUID") == uid]
    if not headers:
        raise InputError(f"{folder}: holds no series {uid}")
    return _volume(folder, [frame for path, header in headers for frame in _frames(path, header)])


@dataclass(frozen=True)
class _Frame:
    """A slice, and what of its header all slices must share."""

    slice: Slice
    header: Any
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, float]


def _header(path: Path) -> tuple[Path, Any] | None:
    """Tags of an image; None for what is none (other files, reports, structure sets)."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    if not path.is_file():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values that are not as the standard wants them
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
    except InvalidDicomError:
        return None
    except Exception as error:
        raise InputError(f"{path}: cannot be read as DICOM ({type(error).__name__}: {error})") from error
    return (path, header) if "Rows" in header and "SOPInstanceUID" in header else None


def _frames(path: Path, header: Any) -> list[_Frame]:
    """The slices of a file: one, or its frames."""
    if int(header.get("SamplesPerPixel", 1)) != 1:
        raise InputError(f"{path}: holds colours, one number a voxel is needed")
    if "MOSAIC" in header.get("ImageType", ()):
        raise InputError(f"{path}: is a mosaic, many slices in one image without a place of their own")
    frames = header.get("PerFrameFunctionalGroupsSequence")
    if frames is None:
        return [_frame(path, header, (header, header, header), None)]
    shared = (header.get("SharedFunctionalGroupsSequence") or [{}])[0]
    out = []
    for number, own in enumerate(frames, 1):
        names = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
        places = tuple((own.get(name) or shared.get(name) or [{}])[0] for name in names)
        out.append(_frame(path, header, places, number))
    return out


def _frame(path: Path, header: Any, places: tuple[Any, Any, Any], number: int | None) -> _Frame:
    named = dict(zip(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"), places, strict=True))
    values = {}
    for (name, place), size in zip(named.items(), (3, 6, 2), strict=True):
        value = place.get(name)
        if value is None or len(value) != size or not np.isfinite([float(v) for v in value]).all():
            raise InputError(f"{path}: has no {name}: it is not known where its voxels lie")
        values[name] = tuple(float(v) for v in value)
    position, orientation, spacing = values.values()
    axes = np.array(orientation).reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > 1e-2 or min(spacing) <= 0:
        raise InputError(f"{path}: ImageOrientationPatient or PixelSpacing is none: {orientation}, {spacing}")
    place = Slice(path, str(header.SOPInstanceUID), str(header.SOPClassUID), position, number)  # type: ignore[arg-type]
    return _Frame(place, header, orientation, spacing)  # type: ignore[arg-type]


def _volume(folder: Path, frames: list[_Frame]) -> DicomSeries:
    """The checks of a series as a whole."""
    first = frames[0]
    for frame in frames[1:]:
        what = _difference(first, frame)
        if what:
            raise InputError(
                f"{frame.slice.file}: {what} differs from that of {first.slice.file.name}: not one volume "
                "(a localiser or a reformatted image among the slices?)"
            )
    axes = np.array(first.orientation).reshape(2, 3)
    normal = np.cross(*axes)
    along = [float(normal @ f.slice.position) for f in frames]
    order = np.argsort(along, kind="stable")
    frames = [frames[i] for i in order]
    _check_places(folder, frames, np.array(along)[order], normal)
    header = first.header
    return DicomSeries(
        tuple(f.slice for f in frames),
        str(header.get("StudyInstanceUID", "")),
        str(header.get("SeriesInstanceUID", "")),
        str(header.get("FrameOfReferenceUID", "")),
        first.orientation,
        first.pixel_spacing,
        int(header.Rows),
        int(header.Columns),
    )


def _difference(first: _Frame, frame: _Frame) -> str:
    for name in ("Rows", "Columns", "FrameOfReferenceUID", "StudyInstanceUID"):
        if frame.header.get(name) != first.header.get(name):
            return name
    if not np.allclose(frame.pixel_spacing, first.pixel_spacing, rtol=1e-3):
        return "PixelSpacing"
    return "" if np.allclose(frame.orientation, first.orientation, atol=1e-3) else "ImageOrientationPatient"


def _check_places(folder: Path, frames: list[_Frame], along: Array, normal: Array) -> None:
    """One image a position, equal steps, no tilt; frames in order, `along` their distances along the normal."""
    if len(frames) < 2:
        raise InputError(f"{folder}: holds a single slice, which is no volume")
    steps = np.diff(along)
    twice = np.flatnonzero(steps < UNEQUAL_MM)
    if twice.size:
        places = len(frames) - twice.size
        one, two = frames[twice[0]], frames[twice[0] + 1]
        raise InputError(
            f"{folder}: holds {len(frames)} images at {places} positions, one a position is needed: {_name(one)} and "
            f"{_name(two)} lie at the same place ({_why_twice(one, two) or _guess(len(frames), places)})"
        )
    usual = float(np.median(steps))
    odd = np.flatnonzero(np.abs(steps - usual) > max(UNEQUAL_MM, 0.005 * usual))
    if odd.size:
        one, two = frames[odd[0]], frames[odd[0] + 1]
        raise InputError(
            f"{folder}: its slices are not equally spaced: {steps[odd[0]]:.4g} mm between {_name(one)} and "
            f"{_name(two)}, {usual:.4g} mm elsewhere (a missing slice?)"
        )
    stack = np.subtract(frames[-1].slice.position, frames[0].slice.position)
    drift = float(np.linalg.norm(stack - normal * (normal @ stack)))
    if drift > DRIFT_MM:
        raise InputError(
            f"{folder}: its slices are tilted against the stack: the last one lies {drift:.3g} mm beside the first "
            "one's normal (a gantry tilt or a sheared stack)"
        )


def _why_twice(one: _Frame, two: _Frame) -> str:
    """What tells two images of one place apart, if it is known."""
    known = {
        "EchoTime": "echoes",
        "EchoNumbers": "echoes",
        "DiffusionBValue": "b-values",
        "TemporalPositionIdentifier": "time points",
        "AcquisitionNumber": "repeats",
    }
    names = [name for tag, name in known.items() if one.header.get(tag) != two.header.get(tag)]
    return f"several {names[0]}" if names else ""


def _guess(images: int, places: int) -> str:
    return "a slice twice?" if images < 1.5 * places else "several volumes in one series?"


def _name(frame: _Frame) -> str:
    number = frame.slice.frame
    return frame.slice.file.name if number is None else f"frame {number} of {frame.slice.file.name}"
