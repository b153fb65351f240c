"""A patient's images, read and checked: whatever is wrong is said in one sentence before any long work."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_volume
from gliofit.patients.headers import check_headers
from gliofit.patients.labels import EDEMA, ENHANCING, LABELLINGS, NECROTIC
from gliofit.patients.sample_sheet import Patient, in_atlas_space

BRAIN_ML = (200.0, 2600.0)
"""Brain volumes outside of this are no brain, or one with its skull on."""

MOST_OUTSIDE = 0.25
"""A tumour with more of its volume than this outside the brain does not belong to the scan."""


@dataclass(eq=False)
class Scans:
    """
    A patient's images on one grid.

    Parameters
    ----------
    patient : Patient
    affine : ndarray (4, 4)
    images : dict of str → ndarray [x, y, z]
        float32, by column of the sample sheet, as far as they are given (without seg and brain).
    labels : ndarray [x, y, z]
        uint8: 1 necrotic core, 2 edema, 3 enhancing core; none outside the brain.
    brain : ndarray [x, y, z]
        bool.
    warnings : list of str
        Sentences on what is doubtful.
    """

    patient: Patient
    affine: Array
    images: dict[str, Array]
    labels: Array
    brain: Array
    warnings: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple:
        return self.labels.shape

    @property
    def millilitres(self) -> float:
        """Volume of a voxel."""
        return float(np.prod(grids.spacing_of(self.affine))) / 1000

    @property
    def core(self) -> Array:
        """Tumour core (enhancing and necrotic), bool."""
        return (self.labels == NECROTIC) | (self.labels == ENHANCING)

    @property
    def whole(self) -> Array:
        """Whole tumour (core and edema), bool."""
        return self.labels > 0

    @property
    def t1(self) -> Volume:
        """What the atlas is registered to: T1, or T1c for want of it."""
        return Volume(self.images["t1" if "t1" in self.images else "t1c"], self.affine)


def check_patient(patient: Patient) -> list[str]:
    """
    Read all images of a patient and check them; seconds, against minutes of registration.

    Returns
    -------
    list of str
        Warnings.

    Raises
    ------
    InputError
        Naming the file and its fault.
    """
    return load_scans(patient).warnings


def load_scans(patient: Patient) -> Scans:
    """
    Read and check a patient's images.

    Raises
    ------
    InputError
        Naming the file, if it is missing, unreadable, of another shape or affine than the others, not finite, all
        zero, has unknown labels or none, or if the tumour lies outside the brain or the brain is none.
    """
    check_headers(patient)
    images = {name: load_volume(path) for name, path in patient.files.items()}
    affine = images["t1" if patient.t1 else "t1c" if patient.t1c else "seg"].affine
    for name in ("t1", "t1c", "flair", "wm", "gm", "fet"):
        if name in images and not images[name].data.any():
            raise InputError(f"{patient.files[name]}: is zero everywhere")
    warnings: list[str] = []
    labels = _labels(patient, images.pop("seg").data, warnings)
    if "whole" in images:
        labels = np.where((images.pop("whole").data > 0) & (labels == 0), np.uint8(EDEMA), labels)
    if "recurrence" in images:
        _check_recurrence(patient, images["recurrence"].data, warnings)
    arrays = {name: image.data for name, image in images.items()}
    brain = _brain(patient, arrays, labels > 0, affine)
    arrays.pop("brain", None)
    scans = Scans(patient, affine, arrays, np.where(brain, labels, 0).astype(np.uint8), brain, warnings)
    _check_place(scans, labels > 0)
    return scans


def _labels(patient: Patient, seg: Array, warnings: list[str]) -> Array:
    """The segmentation in this module's labels, uint8."""
    known = LABELLINGS[patient.labels]
    found = _found(patient.seg, seg, patient.labels)
    if not found:
        raise InputError(f"{patient.seg}: the segmentation is empty")
    table = np.zeros(5, np.uint8)
    table[list(known)] = list(known.values())
    labels = table[seg.astype(np.uint8)]
    if not np.isin(labels, (NECROTIC, ENHANCING)).any():
        warnings.append(f"{patient.seg}: has no tumour core (no enhancing or necrotic label)")
    return labels


def _found(path: Path | None, seg: Array, labels: str) -> set[int]:
    """The labels of a segmentation, checked against those that there are."""
    values = np.unique(seg)
    if (values % 1 != 0).any():
        raise InputError(f"{path}: holds values that are not whole numbers; it is no segmentation")
    found = {int(v) for v in values} - {0}
    unknown = sorted(found - set(LABELLINGS[labels]))
    if unknown:
        expected = ", ".join(map(str, sorted(LABELLINGS[labels])))
        raise InputError(f"{path}: unknown label {unknown[0]}; labels '{labels}' has 0, {expected}")
    if labels == "brats" and {3, 4} <= found:
        raise InputError(f"{path}: has labels 3 and 4, of which BraTS uses only one; is it labels 'gliodil'?")
    return found


def _check_recurrence(patient: Patient, recurrence: Array, warnings: list[str]) -> None:
    """A recurrence has the segmentation's labels; an empty one, or a mask, limits what can be said of a plan."""
    found = _found(patient.recurrence, recurrence, patient.labels)
    if not found:
        warnings.append(f"{patient.recurrence}: is empty; coverage of the recurrence is undefined")
    elif patient.labels == "brats" and found == {1}:
        warnings.append(f"{patient.recurrence}: is a mask without parts; coverage of its enhancing core is undefined")


def _brain(patient: Patient, images: dict[str, Array], whole: Array, affine: Array) -> Array:
    """The patient's brain, bool: of the mask if given, else of the scan, the tissue maps or, at last, unknown."""
    if "brain" in images:
        return images["brain"] > 0.5
    if "t1" in images or "t1c" in images:
        scan = images["t1" if "t1" in images else "t1c"]
        brain = brain_of(scan, grids.spacing_of(affine))
        return brain | (whole & (scan != 0))
    if "wm" in images:
        tissue = images["wm"] + images["gm"] + images.get("csf", 0)
        return brain_of(np.where(whole, 1, tissue), grids.spacing_of(affine))
    if patient.seg and in_atlas_space(patient.seg):
        return np.ones(whole.shape, bool)  # the atlas's own brain, put in by `prepare_patient`
    raise InputError(f"patient {patient.id} has no T1, no tissue maps and is not in the atlas's space")


def brain_of(scan: Array, spacing: Array) -> Array:
    """
    Brain mask of a skull-stripped scan: the largest piece above a tenth of the median intensity, holes filled.

    Some scans have a rim of nearly zero intensities around the brain (36 ml in one BraTS case), so "not zero" is no
    brain mask.
    """
    positive = scan[scan > 0]
    if not positive.size:
        return np.zeros(scan.shape, bool)
    bright = scan > 0.1 * np.median(positive)
    index = np.argwhere(bright)
    # one spare voxel around, so that closing and filling see the outside
    low, high = np.maximum(index.min(0) - 3, 0), index.max(0) + 4
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    piece = np.pad(bright[box], 3)
    if spacing.max() < 1.5:
        piece = ndimage.binary_opening(piece)  # cuts off threads of voxels that resampling leaves
    parts, number = ndimage.label(piece)
    if number > 1:
        piece = parts == 1 + np.bincount(parts.ravel())[1:].argmax()
    piece = ndimage.binary_fill_holes(ndimage.binary_closing(piece, iterations=2))
    brain = np.zeros(scan.shape, bool)
    brain[box] = piece[3:-3, 3:-3, 3:-3]
    return brain


def _check_place(scans: Scans, whole: Array) -> None:
    """The brain is one, and the tumour lies in it."""
    patient = scans.patient
    millilitres = float(scans.brain.sum()) * scans.millilitres
    unknown = scans.brain.all()  # the atlas's brain will stand in
    if not unknown and not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1]:
        source = patient.brain or patient.t1 or patient.t1c or patient.wm
        raise InputError(f"{source}: a brain of {millilitres:.0f} ml is none; is the scan skull-stripped and in mm?")
    outside = float((whole & ~scans.brain).sum() / whole.sum())
    if outside > MOST_OUTSIDE:
        raise InputError(f"{patient.seg}: {outside:.0%} of the tumour lies outside the brain")
    if outside > 0.01:
        scans.warnings.append(f"{patient.seg}: {outside:.1%} of the tumour lies outside the brain and is left out")
