"""Which rows of a sample sheet name raw scans, what can be wrong with them, and what they become."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gliofit.base.errors import InputError
from gliofit.patients.headers import PLACE, apart, check_header
from gliofit.patients.sample_sheet import Patient

MR = ("t1c", "t1", "flair")
"""The first that a patient has is the reference: all else comes to its grid."""

SCANS = (*MR, "fet", "followup")
DRAWN = ("seg", "whole", "recurrence", "brain", "wm", "gm", "csf")
"""Drawn on a scan, whose way to the reference they share."""

ORIGIN = "scans.json"


def is_raw(patient: Patient) -> bool:
    """
    Whether a row's scans have yet to be brought together.

    They have, if the row says so (column `raw`), names a folder of DICOM, a follow-up scan or no segmentation, or if
    its scans lie on several grids. Headers of NIfTI files are read, no voxels.

    Raises
    ------
    InputError
        Naming a file that is not one readable volume.
    """
    if patient.origin:
        return False
    scans = [path for role, path in patient.files.items() if role in SCANS]
    if patient.raw == "yes" or patient.followup or patient.seg is None or any(path.is_dir() for path in scans):
        return True
    if patient.raw == "no" or not scans:
        return False
    headers = [check_header(path)[:2] for path in scans]
    shape, affine = headers[0]
    return any(own != shape or apart(place, affine, shape) > PLACE for own, place in headers)


def check_raw(patient: Patient) -> None:
    """
    Check the files of a raw row as far as headers of NIfTI files tell.

    Raises
    ------
    InputError
        Naming the file and its fault, or what the row lacks.
    """
    reference_of(patient)
    if patient.followup and not patient.recurrence:
        raise InputError(f"patient {patient.id}: has a followup scan, but no recurrence that was drawn on it")
    for path in patient.files.values():
        if not path.is_dir():
            check_header(path)


def reference_of(patient: Patient) -> str:
    """The column of the scan that all others are brought to: t1c, else t1 or flair; InputError without any."""
    for role in MR:
        if role in patient.files:
            return role
    raise InputError(f"patient {patient.id}: has no T1c, T1 or FLAIR that other scans could be brought to")


def brought_in(patient: Patient, folder: str | Path) -> Patient:
    """
    The row that a raw one becomes: the files that `gliofit.patients.raw.intake.bring_in` writes into `folder`.
    """
    folder = Path(folder)
    roles = [role for role in patient.files if role != "followup"]
    files = {role: folder / f"{role}.nii.gz" for role in (*roles, "seg", "brain")}
    return replace(patient, **files, followup=None, raw="", segment="", origin=folder / ORIGIN)  # type: ignore[arg-type]
