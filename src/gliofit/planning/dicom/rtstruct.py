"""RT Structure Set (PS3.3, A.19): a plan's volumes as outlines on the slices of a series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage

from gliofit.base.arrays import Array
from gliofit.base.versions import versions
from gliofit.patients.dicom_series import DicomSeries, Slice
from gliofit.planning.dicom.contours import contours
from gliofit.planning.dicom.identifiers import settle
from gliofit.planning.dicom.structures import Structure

STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management: retired, and still what structure sets refer to their study by."""

DECIMALS = 4
"""Of contours' coordinates in mm: 0.1 µm, and never more than the 16 characters of a decimal string."""

PATIENT_AND_STUDY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""What makes an archive file the plan with its series; all of it must be there, be it empty."""


def structure_set(structures: Iterable[Structure], series: DicomSeries, source: Dataset) -> FileDataset:
    """
    A structure set on a series.

    Parameters
    ----------
    structures : iterable of Structure
        Masks [column, row, slice] in the order of the series.
    series : DicomSeries
    source : Dataset
        A file of the series, for patient and study.

    Returns
    -------
    FileDataset
        To be written with implicit VR: lists of coordinates may be longer than explicit VR can say.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = RTStructureSetStorage, ImplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.Modality = RTStructureSetStorage, "RTSTRUCT"
    for name in PATIENT_AND_STUDY:
        setattr(ds, name, str(source.get(name) or ""))
    ds.SeriesNumber, ds.OperatorsName, ds.SeriesDescription = 9001, "", "GlioFit: plans"
    ds.Manufacturer, ds.ManufacturerModelName = "GlioFit", "gliofit"
    ds.SoftwareVersions = versions("gliofit").get("gliofit", "unknown")
    ds.StructureSetLabel, ds.StructureSetName = "GlioFit", "GlioFit: plans"
    ds.StructureSetDescription = "Research software, not for treatment. Contours along the edges of voxels."
    ds.StructureSetDate, ds.StructureSetTime = ds.StudyDate, ds.StudyTime
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = series.frame_of_reference, ""
    ds.ReferencedFrameOfReferenceSequence = Items([_frame_of_reference(series)])
    structures = list(structures)
    ds.StructureSetROISequence = Items([_roi(n, s, series) for n, s in enumerate(structures, 1)])
    ds.ROIContourSequence = Items([_outlines(n, s, series) for n, s in enumerate(structures, 1)])
    ds.RTROIObservationsSequence = Items([_observation(n, s) for n, s in enumerate(structures, 1)])
    ds.ApprovalStatus = "UNAPPROVED"
    settle(ds)
    return ds


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def _frame_of_reference(series: DicomSeries) -> Dataset:
    """Frame of reference → study → series → images, as planners follow it."""
    seen: dict[str, Dataset] = {}
    for place in series.slices:  # frames of one file are one image here
        seen.setdefault(place.instance, _image(place, frames=False))
    images = Items(list(seen.values()))
    of_series = _item(SeriesInstanceUID=series.series, ContourImageSequence=images)
    study = _item(
        ReferencedSOPClassUID=STUDY_CLASS,
        ReferencedSOPInstanceUID=series.study,
        RTReferencedSeriesSequence=Items([of_series]),
    )
    return _item(FrameOfReferenceUID=series.frame_of_reference, RTReferencedStudySequence=Items([study]))


def _image(place: Slice, frames: bool = True) -> Dataset:
    image = _item(ReferencedSOPClassUID=place.sop_class, ReferencedSOPInstanceUID=place.instance)
    if frames and place.frame is not None:
        image.ReferencedFrameNumber = place.frame
    return image


def _roi(number: int, structure: Structure, series: DicomSeries) -> Dataset:
    ml = np.count_nonzero(structure.mask) * abs(np.linalg.det(series.affine[:3, :3])) / 1000
    return _item(
        ROINumber=number,
        ReferencedFrameOfReferenceUID=series.frame_of_reference,
        ROIName=structure.name,
        ROIDescription=structure.about,
        ROIVolume=f"{ml:.6g}",
        ROIGenerationAlgorithm="AUTOMATIC",
    )


def _outlines(number: int, structure: Structure, series: DicomSeries) -> Dataset:
    found: list[Dataset] = []
    for k in np.flatnonzero(structure.mask.any(axis=(0, 1))):
        for corners in contours(structure.mask[:, :, k]):
            points = np.column_stack([corners, np.full(len(corners), k), np.ones(len(corners))]) @ series.lps[:3].T
            found.append(
                _item(
                    ContourNumber=len(found) + 1,
                    ContourImageSequence=Items([_image(series.slices[k])]),
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints=len(points),
                    ContourData=decimal_strings(points),
                )
            )
    return _item(ReferencedROINumber=number, ROIDisplayColor=list(structure.colour), ContourSequence=Items(found))


def decimal_strings(points: Array) -> Sequence[str]:
    """Coordinates (n, 3) in mm as decimal strings of at most 16 characters."""
    # + 0.0: no "-0"
    return [f"{v:.{DECIMALS}f}".rstrip("0").rstrip(".") for v in (np.round(points, DECIMALS) + 0.0).ravel()]


def _observation(number: int, structure: Structure) -> Dataset:
    return _item(
        ObservationNumber=number,
        ReferencedROINumber=number,
        ROIObservationLabel=structure.name,
        RTROIInterpretedType=structure.kind,
        ROIInterpreter="",
    )
