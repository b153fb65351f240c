"""
A series made from a NIfTI, for plans on a scan that didn't come in as DICOM.

It has the NIfTI's voxels, in their places, and says in its description that no scanner made it. Patient's name and
number are the id; birth date, sex and all that is not known are empty.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from gliofit.base.arrays import Array
from gliofit.base.nifti import Volume
from gliofit.base.versions import versions
from gliofit.patients.dicom_series import LPS_TO_RAS, DicomSeries, Slice
from gliofit.planning.dicom.grid import as_series, on_series
from gliofit.planning.dicom.identifiers import uid

DESCRIPTION = "made from NIfTI by GlioFit, not by a scanner"

LARGEST = 32767
"""Grey value that viewers with signed 16 bits show, too."""


def write_made_series(volume: Volume, patient: str, image: str, folder: str | Path) -> DicomSeries:
    """
    Write a NIfTI as an MR series, one file a slice.

    Parameters
    ----------
    volume : Volume
    patient : str
        The id.
    image : str
        What it shows, such as "T1c".
    folder : path
        Gets 0001.dcm, 0002.dcm, …

    Returns
    -------
    DicomSeries
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shape, affine = as_series(volume.affine, volume.shape)
    voxels = on_series(volume.data, volume.affine, affine, shape)
    stored, scale = _grey(voxels)
    content = uid(patient, image, np.round(affine, 6).tobytes(), np.ascontiguousarray(voxels).tobytes())
    common = _about(patient, image, content, scale)
    common.update(_geometry(LPS_TO_RAS @ affine, shape))
    low, high = _window(stored)
    common.WindowCenter, common.WindowWidth = _number((low + high) / 2), _number(high - low)
    slices = []
    for k in range(shape[2]):
        instance = UID(uid("slice", content, str(k)))
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, instance
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.update(common)
        ds.SOPInstanceUID, ds.InstanceNumber = instance, k + 1
        ds.ImagePositionPatient = [_number(v) for v in (LPS_TO_RAS @ affine)[:3] @ [0, 0, k, 1]]
        ds.PixelData = np.ascontiguousarray(stored[:, :, k].T).tobytes()
        path = folder / f"{k + 1:04d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        position = tuple(float(v) for v in ds.ImagePositionPatient)
        slices.append(Slice(path, instance, MRImageStorage, position))  # type: ignore[arg-type]
    return DicomSeries(
        tuple(slices),
        common.StudyInstanceUID,
        common.SeriesInstanceUID,
        common.FrameOfReferenceUID,
        tuple(float(v) for v in common.ImageOrientationPatient),
        tuple(float(v) for v in common.PixelSpacing),  # type: ignore[arg-type]
        common.Rows,
        common.Columns,
    )


def _about(patient: str, image: str, content: str, scale: str) -> Dataset:
    """What all slices say of patient, study, series, equipment and sequence."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = MRImageStorage
    ds.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    ds.PatientName = ds.PatientID = patient
    ds.PatientBirthDate = ds.PatientSex = ""
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid("study", patient), uid("series", content)
    ds.StudyDate = ds.StudyTime = ds.StudyID = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StudyDescription, ds.SeriesDescription = "GlioFit", f"{image} {DESCRIPTION}"
    ds.Modality, ds.SeriesNumber, ds.AcquisitionNumber, ds.BodyPartExamined = "MR", 1, "", "BRAIN"
    ds.Manufacturer, ds.ManufacturerModelName = "GlioFit", "gliofit"
    ds.SoftwareVersions = versions("gliofit").get("gliofit", "unknown")
    ds.DerivationDescription = f"The voxels of a NIfTI file, in its geometry, for plans to refer to; {scale}"
    # nothing is known of the sequence: research mode, and empty where that is allowed
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "RM", "NONE", "", ""
    ds.RepetitionTime = ds.EchoTime = ds.EchoTrainLength = None
    ds.FrameOfReferenceUID = uid("frame of reference", content)
    ds.PositionReferenceIndicator, ds.PatientPosition = "", "HFS"
    return ds


def _geometry(lps: Array, shape: tuple) -> Dataset:
    """What all slices say of their pixels; `lps` (4, 4) brings voxels [column, row, slice] to the patient's mm."""
    ds = Dataset()
    edges = np.linalg.norm(lps[:3, :3], axis=0)
    axes = lps[:3, :3] / edges
    ds.ImageOrientationPatient = [_number(v) for v in (*axes[:, 0], *axes[:, 1])]
    ds.PixelSpacing = [_number(edges[1]), _number(edges[0])]
    ds.SliceThickness = ds.SpacingBetweenSlices = _number(edges[2])
    ds.Columns, ds.Rows = int(shape[0]), int(shape[1])
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    return ds


def _number(value: float) -> str:
    """A decimal string of at most 16 characters, as near as that allows."""
    return format_number_as_ds(float(value) + 0.0)


def _grey(voxels: Array) -> tuple[Array, str]:
    """
    Grey values, 16 bits, and how they were made. Whole numbers that fit stay what they are.

    No rescaling goes into the file: MR images have none in the standard, and viewers differ in what they make of it.
    """
    low, high = float(voxels.min()), float(voxels.max())
    if low >= 0 and high <= LARGEST and (voxels == np.round(voxels)).all():
        return voxels.astype("<u2"), "grey values are the file's"
    step = (high - low) / LARGEST or 1.0
    return np.round((voxels - low) / step).astype("<u2"), f"value = {low:.6g} + {step:.6g} * grey value"


def _window(voxels: Array) -> tuple[float, float]:
    """Grey values from black to white: the darkest, and the 99.5th percentile of what is brighter."""
    low = float(voxels.min())
    brighter = voxels[voxels > low]
    return (low, float(np.percentile(brighter, 99.5))) if brighter.size else (low, low + 1.0)
