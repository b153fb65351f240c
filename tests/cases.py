"""Small patients on disk, for the tests of everything that reads scans."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from gliofit.base.grids import resample
from gliofit.patients.sample_sheet import Patient

BRATS = ("L", "P", "S")
"""Storage orientation of BraTS: both x and y run against RAS."""

TUMOUR_MM = (-20.0, 8.0, 4.0)
"""World position of the tumour's centre: at the patient's left."""


def write(path: Path, data: np.ndarray, affine: np.ndarray, axcodes=("R", "A", "S")) -> Path:
    """Write an RAS array so that it is stored as `axcodes`."""
    image = nib.Nifti1Image(data, affine)
    turn = nib.orientations.ornt_transform(nib.io_orientation(affine), nib.orientations.axcodes2ornt(axcodes))
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image.as_reoriented(turn), path)
    return path


def small_patient(folder: Path, tissue, axcodes=BRATS, maps: bool = False, **replaced: np.ndarray) -> Patient:
    """
    The small head of conftest as a patient: T1, T1c, FLAIR and a segmentation with all three labels at the left.

    `replaced` arrays (RAS, by column) take the place of the default ones.
    """
    world = tissue.to_world(np.moveaxis(np.indices(tissue.shape), 0, -1))
    distance = np.linalg.norm(world - np.array(TUMOUR_MM), axis=-1)
    seg = np.select([distance < 5, distance < 9, distance < 14], [1, 3, 2], 0) * tissue.brain
    t1 = np.where(tissue.brain, 700 * tissue.wm + 400 * tissue.gm + 100 * tissue.csf, 0)
    arrays = {"t1": t1, "t1c": t1 + 300 * (seg == 3), "flair": t1 + 300 * (seg > 0), "seg": seg}
    if maps:
        arrays |= {"wm": tissue.wm, "gm": tissue.gm, "csf": tissue.csf}
    arrays |= replaced
    files = {}
    for name, data in arrays.items():
        if data is not None:
            kind = np.uint8 if name == "seg" and np.all(np.mod(data, 1) == 0) else np.float32
            files[name] = write(folder / f"{name}.nii.gz", data.astype(kind), tissue.affine, axcodes)
    return Patient(folder.name, **files)


def but_for_its_size(warnings: list[str]) -> list[str]:
    """Warnings on a small patient, who is: less the one that says so."""
    assert sum("unusual size" in warning for warning in warnings) == 1
    return [warning for warning in warnings if "unusual size" not in warning]


def oblique(folder: Path, patient: Patient, spacing=(3.0, 3.0, 5.0), degrees: float = 12.0) -> Patient:
    """
    The same patient as a scanner might give it: LPS storage, unequal voxel edges, rotated axes; the world stays.

    Images are interpolated, labels taken from the nearest voxel.
    """
    angle = np.deg2rad(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    turn = turn @ np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    files = {}
    for name, path in patient.files.items():
        image = nib.load(path)
        centre = nib.affines.apply_affine(image.affine, (np.array(image.shape) - 1) / 2)
        extent = np.array(image.shape) * image.header.get_zooms()[:3]
        shape = tuple(np.ceil(1.15 * extent.max() / np.array(spacing)).astype(int))
        affine = np.eye(4)
        affine[:3, :3] = turn @ np.diag([-1, -1, 1]) @ np.diag(spacing)
        affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
        data = resample(np.asarray(image.dataobj), image.affine, shape, affine, order=0 if name == "seg" else 1)
        folder.mkdir(parents=True, exist_ok=True)
        files[name] = folder / f"{name}.nii.gz"
        nib.save(nib.Nifti1Image(data, affine), files[name])
    return Patient(folder.name, **files, labels=patient.labels)
