"""Raw scans as people have them, and what is wrong with some: each is a row of a sample sheet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from dicom_files import axial_lps, write_series
from pydicom.uid import CTImageStorage

from gliofit.patients.sample_sheet import Patient

SHAPE = (12, 10, 8)
LPS = axial_lps((2.0, 2.0, 3.0))
DATA = np.random.default_rng(0).integers(1, 900, SHAPE)
RAS = np.diag([-1.0, -1.0, 1.0, 1.0]) @ LPS
SEG = np.zeros(SHAPE, np.uint8)
SEG[4:8, 3:7, 2:6] = 1

Fault = Callable[[Path], None]


def _edit(folder: Path, number: int, **tags: Any) -> None:
    path = sorted(folder.glob("*.dcm"))[number]
    data = pydicom.dcmread(path)
    for name, value in tags.items():
        setattr(data, name, value)
    data.save_as(path)


def missing(folder: Path) -> None:
    sorted(folder.glob("*.dcm"))[4].unlink()


def twice(folder: Path) -> None:
    path = sorted(folder.glob("*.dcm"))[4]
    shutil.copy(path, folder / "again.dcm")
    data = pydicom.dcmread(folder / "again.dcm")
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    data.save_as(folder / "again.dcm")


def echoes(folder: Path) -> None:
    write_series(folder / "late", DATA, LPS, EchoTime="90", EchoNumbers=2)


def tilted(folder: Path) -> None:
    for number, path in enumerate(sorted(folder.glob("*.dcm"))):
        place = [float(v) for v in pydicom.dcmread(path).ImagePositionPatient]
        _edit(folder, number, ImagePositionPatient=[place[0], place[1] + 0.8 * number, place[2]])


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "readme.txt").write_text("nothing here")


def mixed(folder: Path) -> None:
    write_series(folder / "other", DATA, LPS, 7)


def two_patients_planes(folder: Path) -> None:
    _edit(folder, 0, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])


def computed_tomography(folder: Path) -> None:
    for number in range(SHAPE[2]):
        _edit(folder, number, Modality="CT", SOPClassUID=CTImageStorage)


def no_place(folder: Path) -> None:
    path = sorted(folder.glob("*.dcm"))[2]
    data = pydicom.dcmread(path)
    del data.ImagePositionPatient
    data.save_as(path)


def cut_off(folder: Path) -> None:
    path = sorted(folder.glob("*.dcm"))[3]
    path.write_bytes(path.read_bytes()[:-60])


def single(folder: Path) -> None:
    for path in sorted(folder.glob("*.dcm"))[1:]:
        path.unlink()


def zeros(folder: Path) -> None:
    for number in range(SHAPE[2]):
        _edit(folder, number, PixelData=bytes(2 * SHAPE[0] * SHAPE[1]))


@dataclass(frozen=True)
class RawInput:
    """
    A patient's T1c as a DICOM folder with a fault, and a segmentation.

    Parameters
    ----------
    name : str
    fault : callable
        Does it to the folder.
    says : str
        Regular expression of the sentence.
    seg : ndarray, optional
        In place of the right one.
    columns : dict
        More of the row.
    """

    name: str
    fault: Fault
    says: str
    seg: np.ndarray = field(default_factory=lambda: SEG)
    columns: dict = field(default_factory=dict)

    def write(self, folder: Path) -> Patient:
        place = folder / self.name.replace(" ", "_")
        write_series(place / "T1C", DATA, LPS, PatientName="Secret^Person", PatientID="SECRET-ID")
        self.fault(place / "T1C")
        nib.save(nib.Nifti1Image(self.seg, RAS), place / "seg.nii.gz")
        return Patient(place.name, t1c=place / "T1C", seg=place / "seg.nii.gz", raw="yes", **self.columns)


def none(folder: Path) -> None:
    """No fault."""


RAW_INPUTS = (
    RawInput("slice missing", missing, "T1C: its slices are not equally spaced: 6 mm .* 3 mm elsewhere"),
    RawInput("slice twice", twice, "T1C: holds 9 images at 8 positions, .*a slice twice"),
    RawInput("two echoes", echoes, "T1C: holds 16 images at 8 positions.*several echoes"),
    RawInput("tilted", tilted, "T1C: its slices are tilted against the stack"),
    RawInput("empty folder", empty, "T1C: holds no DICOM images"),
    RawInput("mixed series", mixed, "T1C: holds 2 series, one is needed"),
    RawInput("localiser among them", two_patients_planes, "ImageOrientationPatient differs"),
    RawInput("CT", computed_tomography, "T1C: its modality is CT, MR is needed here"),
    RawInput("no position", no_place, "0003.dcm: has no ImagePositionPatient"),
    RawInput("file cut off", cut_off, "T1C: "),
    RawInput("single slice", single, "T1C: holds a single slice"),
    RawInput("all zero", zeros, "T1C: is zero everywhere"),
    RawInput(
        "segmentation of another grid",
        none,
        "seg.nii.gz: .12, 10, 7. voxels that lie on the grid of no scan",
        SEG[:, :, 1:],
    ),
    RawInput("no head", none, "T1C: stripping found a brain of"),
)
