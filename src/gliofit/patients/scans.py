"""A patient's images, read and checked: whatever is wrong is said in one sentence before any long work."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.base.masks import dilated
from gliofit.base.nifti import load_scan
from gliofit.base.threads import in_threads
from gliofit.patients import consistency, contents
from gliofit.patients.brain import BRAIN_ML, background_of, both_sides, brain_of, skull_on
from gliofit.patients.headers import check_headers, in_atlas_space
from gliofit.patients.labels import EDEMA, doubts, numbers, parts, read_segmentation
from gliofit.patients.sample_sheet import Patient
from gliofit.patients.scan_set import Scans

MASK = 1e-3
"""How far a mask's values may be from 0 and 1."""


MISSED = 0.05
"""Of the core, outside the mask of the whole tumour: more than two people's outlines of one tumour differ by."""


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


def load_scans(patient: Patient, threads: int = 1) -> Scans:
    """
    Read and check a patient's images.

    Parameters
    ----------
    patient : Patient
    threads : int
        Images that are read, and checks that are made, at a time.

    Raises
    ------
    InputError
        Naming the file, if it is missing, unreadable, of another shape or affine than the others, not finite, all
        zero, has unknown labels or none, is no mask where one is needed, or if the tumour lies outside the brain, or
        the brain is none or has its skull on.
    """
    grid = check_headers(patient)
    volumes = dict(zip(patient.files, in_threads(load_scan, patient.files.values(), threads), strict=True))
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
    inside = np.where(brain, labels, np.uint8(0))
    scans = Scans(patient, grid.affine, images, inside, brain, known, warnings)
    part, box = scans.around((labels > 0) | (images.get("recurrence", 0) != 0))
    found = consistency.doubts(part, np.ascontiguousarray(labels[box]), not doubtful, box, threads)
    warnings += found
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
        warnings += _missed(patient.whole, parts(labels)[0], whole)
        labels = np.where(whole & (labels == 0), np.uint8(EDEMA), labels)
    if not parts(labels)[1].any():
        raise InputError(f"{patient.seg}: shows no tumour under labels '{patient.labels}'")
    return labels, doubts(seg, labels, patient.labels, patient.seg)


def _missed(path: Path | None, core: Array, whole: Array) -> list[str]:
    """Whether a mask of the whole tumour lacks some of its core; one of edema alone, around the core, is taken, too."""
    missed = float((core & ~whole).sum() / core.sum()) if core.any() else 0.0
    around = missed > 1 - MISSED and (dilated(whole) & core).any()
    if missed <= MISSED or around:
        return []
    return [
        f"{path}: {missed:.0%} of the tumour core lies outside this mask of the whole tumour, and is added to it: do "
        "the two belong together?"
    ]


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
