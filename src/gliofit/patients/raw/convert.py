"""
DICOM → volume: dcm2niix makes it, the headers check it.

dcm2niix sees links with neutral names to the files of one series, so that nothing else in the folder is converted and
no name of a person enters its output.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from itertools import product
from pathlib import Path

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_volume
from gliofit.patients.dicom_headers import read_series
from gliofit.patients.dicom_series import DicomSeries

APART_MM = 0.3
"""Corners of the converted volume and of the headers' may lie so far apart."""

WRONG_VOLUME = re.compile(r"Interslice distance varies|Missing images|slices stacked despite", re.IGNORECASE)
"""Words of dcm2niix, beside which it writes a file all the same."""

TILE = 64
"""Edge of the part of a slice whose values are compared."""


def convert(folder: Path, modality: str) -> tuple[Volume, DicomSeries, list[str]]:
    """
    The volume of a DICOM folder, float32, as dcm2niix orders its axes, with its series, and warnings.

    Parameters
    ----------
    folder : Path
    modality : str
        That it must have: "MR" or "PT".

    Raises
    ------
    InputError
        Naming the folder: not one sound volume (`gliofit.patients.dicom_headers.read_series`), of another modality, or
        converted to other places or values than the headers say.
    """
    series = read_series(folder)
    found = str(_tag(series, "Modality") or "")
    if found != modality:
        raise InputError(f"{folder}: its modality is {found or 'not said'}, {modality} is needed here")
    volume = _converted(folder, series)
    _check_place(folder, volume, series)
    return volume, series, _check_values(folder, volume, series)


def header_of(series: DicomSeries, index: int = 0) -> object:
    """All tags of a slice, without its voxels."""
    import pydicom

    return pydicom.dcmread(series.slices[index].file, stop_before_pixels=True)


def _tag(series: DicomSeries, name: str) -> object:
    import pydicom

    return pydicom.dcmread(series.slices[0].file, stop_before_pixels=True, specific_tags=[name]).get(name)


def _converted(folder: Path, series: DicomSeries) -> Volume:
    import dcm2niix

    files = list(dict.fromkeys(s.file for s in series.slices))
    with tempfile.TemporaryDirectory(prefix="gliofit-") as work:
        source, out = Path(work) / "dicom", Path(work) / "nifti"
        source.mkdir()
        out.mkdir()
        for number, file in enumerate(files):
            (source / f"{number:05}.dcm").symlink_to(file.resolve())
        # no sidecar, which has tags; -p n: the rescale slope of the standard, not Philips' own scaling
        options = ["-b", "n", "-z", "n", "-p", "n", "-m", "y", "-f", "image", "-o", str(out)]
        done = subprocess.run([dcm2niix.bin, *options, str(source)], capture_output=True, text=True, check=False)
        words = WRONG_VOLUME.search(done.stdout + done.stderr)
        made = sorted(out.glob("*.nii"))
        if done.returncode or words or len(made) != 1:
            why = f"it says '{words[0]}'" if words else f"it ended with status {done.returncode}, {len(made)} volumes"
            raise InputError(f"{folder}: dcm2niix makes no sound volume of it: {why}")
        try:
            return load_volume(made[0])
        except InputError as error:
            raise InputError(f"{folder}: as converted by dcm2niix, {str(error).split(': ', 1)[1]}") from None


def _corners(shape: tuple, affine: Array) -> Array:
    return grids.to_world(affine, np.array(list(product(*[(0, n - 1) for n in shape]))))


def _check_place(folder: Path, volume: Volume, series: DicomSeries) -> None:
    """The converted grid has the corners that the headers say, in whatever order."""
    if sorted(volume.shape) != sorted(series.shape):
        raise InputError(f"{folder}: dcm2niix made {volume.shape} voxels of a series of {series.shape}")
    made, said = _corners(volume.shape, volume.affine), _corners(series.shape, series.affine)
    apart = np.linalg.norm(made[:, None] - said[None], axis=2).min(1).max()
    if apart > APART_MM:
        raise InputError(f"{folder}: dcm2niix put a corner {apart:.3g} mm from where the headers say")


def _check_values(folder: Path, volume: Volume, series: DicomSeries) -> list[str]:
    """The middle slice's values lie where its header says; a warning if pydicom cannot read them (some compressed)."""
    import pydicom

    number = len(series.slices) // 2
    one = series.slices[number]
    try:
        data = pydicom.dcmread(one.file)
        pixels = np.asarray(data.pixel_array, float)
    except (NotImplementedError, RuntimeError, AttributeError, ValueError):
        syntax = getattr(header_of(series, number).file_meta.get("TransferSyntaxUID"), "name", "unknown")  # type: ignore[attr-defined]
        return [
            f"{folder}: its voxels were converted, but not compared with the DICOM files, as pydicom cannot read them "
            f"(transfer syntax: {syntax}); look at whether left and right, up and down are as they should be"
        ]
    pixels = pixels if one.frame is None or pixels.ndim == 2 else pixels[one.frame - 1]
    slope, intercept = _rescale(data, one.frame)
    rows, columns = (slice(max(0, n // 2 - TILE // 2), min(n, n // 2 + TILE // 2)) for n in pixels.shape)
    row, column = np.mgrid[rows, columns]
    index = np.stack([column.ravel(), row.ravel(), np.full(row.size, number)], 1)
    place = np.rint(grids.to_voxel(volume.affine, grids.to_world(series.affine, index))).astype(int)
    there = volume.data[tuple(place.T)]
    said = pixels[rows, columns].ravel() * slope + intercept
    if not np.allclose(there, said, rtol=1e-3, atol=1e-3 * max(1.0, np.abs(said).max())):
        raise InputError(f"{folder}: dcm2niix's voxels are not those of {one.file.name}, which the headers put there")
    return []


def _rescale(data: object, frame: int | None) -> tuple[float, float]:
    place = data
    if frame is not None:
        shared = data.get("SharedFunctionalGroupsSequence", [{}])[0]  # type: ignore[attr-defined]
        own = data.PerFrameFunctionalGroupsSequence[frame - 1]  # type: ignore[attr-defined]
        name = "PixelValueTransformationSequence"
        place = (own.get(name) or shared.get(name) or [{}])[0]
    return float(place.get("RescaleSlope", 1)), float(place.get("RescaleIntercept", 0))  # type: ignore[attr-defined]
