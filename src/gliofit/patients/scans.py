"""A patient's images, read and checked: whatever is wrong is said in one sentence before any long work."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.base.nifti import Volume, load_scan
from gliofit.patients import contents, contrasts, place
from gliofit.patients.brain import background_of, both_sides, brain_of, skull_on
from gliofit.patients.headers import check_headers, in_atlas_space
from gliofit.patients.labels import (
    CAVITY,
    EDEMA,
    ENHANCING,
    doubts,
    numbers,
    parts,
    read_recurrence,
    read_segmentation,
    shape_doubts,
)
from gliofit.patients.orientation import turned
from gliofit.patients.sample_sheet import Patient

BRAIN_ML = (200.0, 2600.0)
"""Brain volumes outside of this are no brain, or one with its skull on."""

FLUID = 0.75
"""T1c of a resection cavity over the brain's median is below this; enhancing tumour had 0.92 to 1.95 in known cases."""

MASK = 1e-3
"""How far a mask's values may be from 0 and 1."""

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
        uint8: 1 necrotic core, 2 edema, 3 enhancing core, 4 resection cavity; none outside the brain.
    brain : ndarray [x, y, z]
        bool, the cavity included.
    known : bool
        Whether the brain was told from the patient's files; otherwise all is True, and the atlas's will stand in.
    warnings : list of str
        Sentences on what is doubtful.
    """

    patient: Patient
    affine: Array
    images: dict[str, Array]
    labels: Array
    brain: Array
    known: bool = True
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
        return parts(self.labels)[0]

    @property
    def whole(self) -> Array:
        """Whole tumour (core and edema), bool."""
        return parts(self.labels)[1]

    @property
    def cavity(self) -> Array:
        """What a resection left, bool: no tissue, and no part of the tumour."""
        return self.labels == CAVITY

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
        zero, has unknown labels or none, is no mask where one is needed, or if the tumour lies outside the brain, or
        the brain is none or has its skull on.
    """
    grid = check_headers(patient)
    volumes = {name: load_scan(path) for name, path in patient.files.items()}
    images = {name: volume.data for name, volume in volumes.items()}
    for name in ("t1", "t1c", "flair", "wm", "gm", "fet"):
        if name in images and not images[name].any():
            raise InputError(f"{patient.files[name]}: is zero everywhere")
    warnings = [*patient.notes, *(read_json(patient.origin)["warnings"] if patient.origin else []), *grid.warnings]
    for name, volume in volumes.items():
        warnings += volume.said(patient.files[name])
    labels, doubtful = _labels(patient, images, warnings)
    warnings += [*doubtful, *contents.same_scans(patient.files, images)]
    brain, known = _brain(patient, images, labels > 0, grids.spacing_of(grid.affine), warnings)
    images.pop("brain", None)
    inside = np.where(brain, labels, 0).astype(np.uint8)
    scans = Scans(patient, grid.affine, images, inside, brain, known, warnings)
    _check_place(scans, labels)
    _check_contents(scans, labels)
    scans.warnings += shape_doubts(labels, grids.spacing_of(grid.affine), patient.seg)
    seen_in = dict(images)
    for name in ("t1c", "flair"):
        if name in images and (said := contrasts.empty(patient.files[name], images[name], labels, brain)):
            scans.warnings += said
            del seen_in[name]
    swapped = _exchanged(scans, seen_in, labels)
    scans.warnings += swapped
    if not doubtful:
        if "t1c" in seen_in and not swapped:
            scans.warnings += contrasts.enhancing(patient.files["t1c"], seen_in["t1c"], labels)
        seen = {"edema": labels == EDEMA, "enhancing": labels == ENHANCING}
        scans.warnings += place.mirrored(patient.seg, seen_in, seen, brain, grid.affine)
    scans.warnings += contrasts.check(patient.files, images, labels, brain, grid.affine)
    _check_fluid(scans, labels)
    return scans


def _labels(patient: Patient, images: dict[str, Array], warnings: list[str]) -> tuple[Array, list[str]]:
    """Segmentation and mask of the whole tumour, taken from `images`, in our labels, uint8; doubts of them."""
    if patient.seg is None:
        raise InputError(f"patient {patient.id} has no segmentation (seg)")
    seg = images.pop("seg")
    if not seg.any():
        raise InputError(f"{patient.seg}: the segmentation is empty")
    seg = numbers(seg, patient.seg)
    labels = read_segmentation(seg, patient.labels, patient.seg, warnings)
    if "whole" in images:
        whole = mask(patient.whole, images.pop("whole"))
        labels = np.where(whole & (labels == 0), np.uint8(EDEMA), labels)
    if not parts(labels)[1].any():
        raise InputError(f"{patient.seg}: shows no tumour under labels '{patient.labels}'")
    return labels, doubts(seg, labels, patient.labels, patient.seg)


def mask(path: Path | None, data: Array) -> Array:
    """
    A file's voxels as a mask, bool.

    Values are 0 and 1 within a thousandth, or 0 and one other number (255); InputError naming the file otherwise.
    """
    top = float(data.max(initial=0))
    if not top > 0:
        raise InputError(f"{path}: the mask is empty")
    scaled = data / top if top > 1 + MASK else data
    if (np.minimum(np.abs(scaled), np.abs(scaled - 1)) > MASK).any():
        raise InputError(
            f"{path}: is no mask: its values run from {data.min():.3g} to {top:.3g} and are not just 0 and 1; "
            "cut a map of probabilities at a threshold first"
        )
    return scaled > 0.5


def _check_contents(scans: Scans, labels: Array) -> None:
    """PET, maps of tissue and recurrence show what their columns say, T1 and T1c are not exchanged."""
    patient, images, brain = scans.patient, scans.images, scans.brain
    files, tumour = patient.files, scans.labels > 0
    for name in ("t1", "t1c", "flair", "fet"):
        if name in images:
            contents.check_scan(files[name], images[name])
    if scans.known:
        contents.check_tumour(patient.seg, parts(labels)[1], brain)
    if "fet" in images:
        scans.warnings += contents.check_pet(files["fet"], images["fet"], scans.labels, brain)
    if "wm" in images:
        t1 = images.get("t1", images.get("t1c"))
        scans.warnings += contents.check_maps(files, images, t1, brain, tumour)
    if "recurrence" in images:
        path = files["recurrence"]
        recurrence = read_recurrence(images["recurrence"], patient.labels, path)
        scans.warnings += contents.check_recurrence(path, recurrence, scans.labels, brain, scans.affine)


def _exchanged(scans: Scans, images: dict[str, Array], labels: Array) -> list[str]:
    if not {"t1", "t1c"} <= set(images):
        return []
    return contents.exchanged(scans.patient.files["t1c"], images["t1"], images["t1c"], labels, scans.brain)


def _brain(
    patient: Patient, images: dict[str, Array], whole: Array, spacing: Array, warnings: list[str]
) -> tuple[Array, bool]:
    """
    The patient's brain, bool, and whether it is known: of the mask, the scan, the tissue maps or, at last, unknown.
    """
    if "brain" in images:
        return mask(patient.brain, images["brain"]), True
    if "t1" in images or "t1c" in images:
        name = "t1" if "t1" in images else "t1c"
        return _brain_of_scan(patient.files[name], images[name], whole, spacing, warnings), True
    if "wm" in images:
        tissue = images["wm"] + images["gm"] + images.get("csf", 0)
        return brain_of(np.where(whole, 1, tissue), spacing), True
    if patient.seg and in_atlas_space(patient.seg):
        return np.ones(whole.shape, bool), False  # the atlas's own brain, put in by `prepare_patient`
    raise InputError(f"patient {patient.id} has no T1, no tissue maps and is not in the atlas's space")


def _brain_of_scan(path: Path, scan: Array, whole: Array, spacing: Array, warnings: list[str]) -> Array:
    """Brain of a stripped scan, with what was inferred about its background; InputError if it has its skull on."""
    background = background_of(scan)
    brain = brain_of(scan, spacing, background.value)
    millilitres = float(brain.sum()) * float(np.prod(spacing)) / 1000
    if not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1] or skull_on(scan, brain, spacing, background.value):
        what = (
            f"what stands out from the background ({millilitres:.0f} ml) has a bright rim above a dark one, as a skull"
        )
        if not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1]:
            what = f"a brain of {millilitres:.0f} ml is none"
        ask = (
            "is the scan skull-stripped and in mm? Strip it, give a mask of the brain, or say raw: yes in the sample "
            "sheet, to have it stripped"
        )
        raise InputError(f"{path}: {what}; {ask}")
    away = scan - np.float32(background.value)
    if both_sides(away):
        warnings.append(
            f"{path}: its intensities lie on both sides of its background ({background.value:.4g}), as after "
            f"normalisation; whatever differs from it is taken as brain ({millilitres:.0f} ml)"
        )
    elif np.count_nonzero(away < 0) > np.count_nonzero(away > 0):
        warnings.append(
            f"{path}: its brain is darker than its background ({background.value:.4g}), as no T1 is (an overflow, or "
            f"an inverted scale?); what differs from it is taken as brain ({millilitres:.0f} ml)"
        )
    elif background.value != 0:
        warnings.append(
            f"{path}: its background is {background.value:.4g}, not 0, as told from the faces of its grid; what stands "
            f"out from it is taken as brain ({millilitres:.0f} ml)"
        )
    return brain | (whole & (away != 0))


def _check_place(scans: Scans, labels: Array) -> None:
    """The brain is one, and the tumour lies in it."""
    patient = scans.patient
    source = patient.brain or patient.t1 or patient.t1c or patient.wm
    whole = parts(labels)[1]
    if scans.known:
        millilitres = float(scans.brain.sum()) * scans.millilitres
        if not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1]:
            raise InputError(f"{source}: a brain of {millilitres:.0f} ml is none; is it in mm?")
        outside = float((whole & ~scans.brain).sum() / whole.sum())
        if outside > MOST_OUTSIDE:
            raise InputError(f"{patient.seg}: {outside:.0%} of the tumour lies outside the brain")
        unusual = place.size(source, scans.brain, scans.affine)
        scans.warnings += unusual or turned(source, scans.brain, scans.affine)
        scans.warnings += place.outside(patient.seg, whole, scans.brain)
        scans.warnings += place.cut_off(source, scans.whole | scans.cavity, scans.brain, scans.affine)


def _check_fluid(scans: Scans, labels: Array) -> None:
    """A 4 of BraTS' that was taken for enhancing tumour is not as dark as a cavity."""
    patient, t1c = scans.patient, scans.images.get("t1c")
    if t1c is None or patient.labels != "brats" or not any("label 4" in warning for warning in scans.warnings):
        return
    usual = float(np.median(t1c[scans.brain & (labels == 0)]))
    if usual > 0 and float(t1c[labels == ENHANCING].mean()) < FLUID * usual:
        raise InputError(
            f"{patient.seg}: label 4 is as dark as fluid on {patient.files['t1c'].name}, as a resection cavity (labels "
            "'brats2024') is and enhancing tumour (labels 'brats2021') is not; say which it is"
        )
