"""Whether a patient's scans, once read, fit each other, and each shows what its column says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.threads import in_threads
from gliofit.patients import contents, contrasts, place
from gliofit.patients.brain import BRAIN_ML
from gliofit.patients.labels import EDEMA, ENHANCING, parts, read_recurrence, shape_doubts
from gliofit.patients.orientation import turned
from gliofit.patients.scan_set import Scans

FLUID = 0.75
"""T1c of a resection cavity over the brain's median is below this; enhancing tumour had 0.92 to 1.95 in known cases."""

MOST_OUTSIDE = 0.25
"""A tumour with more of its volume than this outside the brain does not belong to the scan."""


def doubts(scans: Scans, labels: Array, certain: bool, box: tuple[slice, slice, slice], threads: int = 1) -> list[str]:
    """
    What is doubtful, in a sentence each.

    Parameters
    ----------
    scans : Scans
        The part of their grid around brain and tumour.
    labels : ndarray of uint8 [x, y, z]
        As segmented, outside the brain, too.
    certain : bool
        Whether nothing was doubtful in the labels by themselves.
    box : tuple of slice
        Which part of the grid that is, for sentences that name a voxel.
    threads : int
        Checks at a time.

    Raises
    ------
    InputError
        On what cannot be right.
    """
    checks: list[Callable[[Scans, Array], list[str]]]
    checks = [_place, _contents, partial(_shape, box=box), partial(_compared, certain=certain), _contrasts]
    found = in_threads(lambda check: check(scans, labels), checks, threads)
    said = [sentence for sentences in found for sentence in sentences]
    _check_fluid(scans, labels, any("label 4" in sentence for sentence in scans.warnings))
    return said


def _place(scans: Scans, labels: Array) -> list[str]:
    """The brain is one, and the tumour lies in it."""
    if not scans.known:
        return []
    patient = scans.patient
    source = patient.brain or patient.t1 or patient.t1c or patient.wm
    whole = parts(labels)[1]
    millilitres = float(scans.brain.sum()) * scans.millilitres
    if not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1]:
        raise InputError(f"{source}: a brain of {millilitres:.0f} ml is none; is it in mm?")
    outside = float((whole & ~scans.brain).sum() / whole.sum())
    if outside > MOST_OUTSIDE:
        raise InputError(f"{patient.outline}: {outside:.0%} of the tumour lies outside the brain")
    said = place.size(source, scans.brain, scans.affine) or turned(source, scans.brain, scans.affine)
    said += place.outside(patient.outline, whole, scans.brain)
    return said + place.cut_off(source, scans.whole | scans.cavity, scans.brain, scans.affine)


def _contents(scans: Scans, labels: Array) -> list[str]:
    """PET, maps of tissue and recurrence show what their columns say."""
    patient, images, brain = scans.patient, scans.images, scans.brain
    files, tumour = patient.files, scans.labels > 0
    said: list[str] = []
    for name in ("t1", "t1c", "flair", "fet"):
        if name in images:
            contents.check_scan(files[name], images[name])
    if scans.known:
        contents.check_tumour(patient.outline, parts(labels)[1], brain)
    if "fet" in images:
        said += contents.check_pet(files["fet"], images["fet"], scans.labels, brain)
    if "wm" in images:
        t1 = images.get("t1", images.get("t1c"))
        said += contents.check_maps(files, images, t1, brain, tumour)
    if "recurrence" in images:
        path = files["recurrence"]
        recurrence = read_recurrence(images["recurrence"], patient.labels, path)
        said += contents.check_recurrence(path, recurrence, scans.labels, brain, scans.affine)
    return said


def _shape(scans: Scans, labels: Array, box: tuple[slice, slice, slice]) -> list[str]:
    return shape_doubts(labels, grids.spacing_of(scans.affine), scans.patient.seg, [side.start for side in box])


def _compared(scans: Scans, labels: Array, certain: bool) -> list[str]:
    """Scans and segmentation fit each other; of a segmentation with doubtful labels less can be told."""
    patient, said = scans.patient, []
    seen_in = dict(scans.images)
    for name in ("t1c", "flair"):
        if name in seen_in and (blank := contrasts.empty(patient.files[name], seen_in[name], labels, scans.brain)):
            said += blank
            del seen_in[name]
    said += (swapped := _exchanged(scans, seen_in, labels))
    if certain:
        if "t1c" in seen_in and not swapped:
            said += contrasts.enhancing(patient.files["t1c"], seen_in["t1c"], labels)
        seen = {"edema": labels == EDEMA, "enhancing": labels == ENHANCING}
        said += _elsewhere(scans, seen_in, seen, labels)
    return said


def _elsewhere(scans: Scans, images: dict[str, Array], seen: dict[str, Array], labels: Array) -> list[str]:
    """
    Whether the segmentation lies beside what the scans show.

    Where neither it nor its mirror image lies on edema, another scan in the FLAIR's place may be to blame. That it is
    the T1, `contrasts.check` says.
    """
    said, elsewhere = place.mirrored(scans.patient.seg, images, seen, scans.brain, scans.affine)
    if not said or elsewhere:
        return said
    on_t1, on_t1c = (contrasts.edema(scans.patient.files, images, labels, scans.brain, name) for name in ("t1", "t1c"))
    return [] if on_t1 else on_t1c or said


def _contrasts(scans: Scans, labels: Array) -> list[str]:
    return contrasts.check(scans.patient.files, scans.images, labels, scans.brain, scans.affine)


def _exchanged(scans: Scans, images: dict[str, Array], labels: Array) -> list[str]:
    if not {"t1", "t1c"} <= set(images):
        return []
    return contents.exchanged(scans.patient.files["t1c"], images["t1"], images["t1c"], labels, scans.brain)


def _check_fluid(scans: Scans, labels: Array, four: bool) -> None:
    """A 4 of BraTS' that was taken for enhancing tumour is not as dark as a cavity."""
    patient, t1c = scans.patient, scans.images.get("t1c")
    if t1c is None or patient.labels != "brats" or not four:
        return
    usual = float(np.median(t1c[scans.brain & (labels == 0)]))
    if usual > 0 and float(t1c[labels == ENHANCING].mean()) < FLUID * usual:
        raise InputError(
            f"{patient.seg}: label 4 is as dark as fluid on {patient.files['t1c'].name}, as a resection cavity (labels "
            "'brats2024') is and enhancing tumour (labels 'brats2021') is not; say which it is"
        )
