"""DICOM series for tests, written with pydicom alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.8.498.1"


def write_series(folder: Path, data: np.ndarray, lps: np.ndarray, series: int = 1, **tags: Any) -> list[Path]:
    """
    A classic MR series of one person who does not exist, a file a slice.

    `data` [column, row, slice], whole numbers; `lps` (4, 4) column, row, slice → mm in DICOM's coordinates; `series`
    tells several of one study apart; `tags` are set in every file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    edges = np.linalg.norm(lps[:3, :3], axis=0)
    axes = lps[:3, :3] / edges
    paths = []
    for k in range(data.shape[2]):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, f"{ROOT}.{series}.2.{k + 1}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{ROOT}.9", f"{ROOT}.{series}.1"
        ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = f"{ROOT}.8", ""
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Nobody^Made", "made-1", "19000101", "O"
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20200102", "101112", "1", ""
        ds.ReferringPhysicianName, ds.Manufacturer = "", "none"
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "MR", series, k + 1
        ds.SeriesDescription, ds.PatientPosition = f"series {series}", "HFS"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "GR", "NONE", "", "3D"
        ds.EchoTime, ds.RepetitionTime, ds.EchoTrainLength = "3", "9", 1
        ds.ImageOrientationPatient = [f"{v:.9f}" for v in (*axes[:, 0], *axes[:, 1])]
        ds.ImagePositionPatient = [f"{v:.6f}" for v in lps[:3] @ [0, 0, k, 1]]
        ds.PixelSpacing, ds.SliceThickness = [float(edges[1]), float(edges[0])], float(edges[2])
        ds.Columns, ds.Rows = data.shape[:2]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.PixelData = np.ascontiguousarray(data[:, :, k].T.astype("<u2")).tobytes()
        for name, value in tags.items():
            setattr(ds, name, value)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = (
            MRImageStorage,
            ds.SOPInstanceUID,
        )
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{series}-{k + 1:04d}.dcm"
        FileDataset(str(path), ds, file_meta=ds.file_meta, preamble=b"\0" * 128).save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def axial_lps(spacing: tuple = (1.0, 1.0, 1.0), origin: tuple = (-20.0, -30.0, 10.0)) -> np.ndarray:
    """Rows to the left, columns to the back, slices upwards."""
    lps = np.diag([*spacing, 1.0])
    lps[:3, 3] = origin
    return lps


def oblique_lps(spacing: tuple = (1.0, 1.0, 1.0), origin: tuple = (-20.0, -30.0, 10.0)) -> np.ndarray:
    """Turned about two axes."""
    a, b = np.radians([17.0, -11.0])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    lps = axial_lps(spacing, origin)
    lps[:3, :3] = about_z @ about_x @ lps[:3, :3]
    return lps
