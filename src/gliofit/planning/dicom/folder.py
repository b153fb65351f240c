"""`results/{patient}/dicom/`: a patient's plans as a planner loads them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.nifti import Volume
from gliofit.patients.dicom_series import FILE, DicomSeries
from gliofit.patients.prepared import Prepared
from gliofit.planning.dicom.grid import on_series
from gliofit.planning.dicom.images import parametric_map, segmentation
from gliofit.planning.dicom.made_series import write_made_series
from gliofit.planning.dicom.rtstruct import structure_set
from gliofit.planning.dicom.sources import Sources
from gliofit.planning.dicom.structures import Structure

STRUCTURE_SET, SEGMENTATION, SERIES = "rtstruct.dcm", "seg.dcm", "series"


def write_folder(
    folder: str | Path, patient: Prepared, structures: Sequence[Structure], densities: Mapping[str, Array]
) -> dict:
    """
    Write structure set, segmentation and a parametric map a density, on the series that the patient's T1c came in.

    Where it came in as NIfTI, a series is made of it, in `series/`.

    Parameters
    ----------
    folder : path
        Is made anew.
    patient : Prepared
    structures : sequence of Structure
        Masks [x, y, z] on the patient's grid.
    densities : dict of ndarray [x, y, z]
        Of each method.

    Returns
    -------
    dict
        What was written, JSON-ready: `structures`, `maps`, and whether the series was `made`.

    Raises
    ------
    InputError
        If the files of the scanner's series have gone or changed.
    """
    folder = Path(folder)
    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    scanner = scanner_series(patient)
    series = scanner or _made(patient, part)
    sources = Sources.read(series)

    def placed(volume: Array) -> Array:
        return on_series(volume, patient.affine, series.affine, series.shape)

    moved = [replace(s, mask=placed(s.mask)) for s in structures]
    written = structure_set(moved, series, sources.headers[0])
    written.save_as(part / STRUCTURE_SET, enforce_file_format=True)
    segmentation(moved, sources).save_as(part / SEGMENTATION, enforce_file_format=True)
    for number, (method, density) in enumerate(densities.items()):
        found = parametric_map(placed(density), method, number, sources)
        found.save_as(part / f"density_{method}.dcm", enforce_file_format=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return {
        "made": scanner is None,
        "structures": [
            {
                "name": s.name,
                "kind": s.kind,
                "about": s.about,
                "voxels": int(np.count_nonzero(s.mask)),
                "file": s.file,
                "at_least": s.at_least,
            }
            for s in structures
        ],
        "maps": {f"density_{method}.dcm": f"{method}.nii.gz" for method in densities},
    }


def scanner_series(patient: Prepared) -> DicomSeries | None:
    """The series that the T1c came in; None if it came as NIfTI."""
    kept = patient.folder / FILE if patient.folder else None
    return DicomSeries.load(kept) if kept and kept.is_file() else None


def _made(patient: Prepared, folder: Path) -> DicomSeries:
    row = patient.patient
    image = next((name.upper() for name in ("t1c", "t1", "flair") if getattr(row, name) == row.scan), "Image")
    scan = Volume(patient.scan.data, patient.affine)
    return write_made_series(scan, row.id, {"T1C": "T1c"}.get(image, image), folder / SERIES)
