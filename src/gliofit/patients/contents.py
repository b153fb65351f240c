"""Whether an image's values can be what its column says: a scan, a PET, maps of tissue, a recurrence."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.observation.labels import EDEMA, ENHANCING
from gliofit.patients.brain import background_of
from gliofit.patients.labels import pet_region

FEW = 8
"""Scans have other values than whole numbers to this; label maps do not."""

MOST_OF_BRAIN = 0.7
"""No tumour, and no recurrence, fills more of the brain (a map of tissue all of it); the shared ones 0.02 to 0.11."""

NEGATIVE = 0.05
"""Share of the brain with negative uptake that noise explains."""

TAKEN_UP = 1.1
"""Mean uptake in the enhancing core (the tumour, without one) over the brain's median: FET is seldom less."""

EXCHANGED = 1.15
"""T1 in enhancing tumour over T1c there, each over its brain's median: 0.67 to 1.03 in the shared patients."""

SAME = 0.9995
"""Correlation of two files that are one image in two scales; T1 and T1c of one patient have 0.71 at most."""

OUTSIDE = 0.05
"""Of a recurrence, outside the brain before surgery: what a shift of the brain may leave."""

FAR_MM = 20.0
"""Between a recurrence and the tumour: a second tumour, or another space."""

OVERFULL = 1.05
"""wm + gm + csf of a voxel; what interpolation adds is less."""

COVERED, HALF = 0.85, 0.5
"""Of the brain, by maps of tissue: less is a warning, or an error. Lipkova's maps cover 0.97."""

FRACTION = 0.1
"""Of tissue: where there is less, maps show none."""


def check_scan(path: Path, data: Array) -> None:
    """Raise an InputError if a scan or a PET is a mask (two values) or a label map (whole numbers to `FEW`)."""
    flat = data.ravel()
    for part in (flat[:: max(1, flat.size // 10_000)], flat):  # a scan shows itself within a few voxels
        values = np.unique(part)
        whole = values[0] >= 0 and values[-1] <= FEW and bool((values == np.rint(values)).all())
        if len(values) > 2 and not whole:
            return
    raise InputError(
        f"{path}: is no scan: its voxels have only {len(values)} different values, as in a mask or a segmentation"
    )


def same_scans(files: dict[str, Path], images: dict[str, Array]) -> list[str]:
    """Scans of two columns that are one and the same image, perhaps in another scale."""
    names = [name for name in ("t1", "t1c", "flair", "fet") if name in images]
    return [
        f"{files[other]}: {other} and {name} are the same image; is one of them a copy under the other's name?"
        for name, other in combinations(names, 2)
        if _same(images[name], images[other])
    ]


def _same(one: Array, other: Array) -> bool:
    """Whether two images are equal, but for a factor and an offset."""
    few = tuple(slice(None, None, 3) for _ in one.shape)
    seen = (one[few] != background_of(one).value) & (other[few] != background_of(other).value)
    values = np.stack([one[few][seen], other[few][seen]]).astype(np.float64)
    if values.shape[1] < 100 or not values.std(1).all():
        return bool(np.array_equal(one, other))
    return bool(np.corrcoef(values)[0, 1] > SAME)


def exchanged(path: Path, t1: Array, t1c: Array, labels: Array, brain: Array) -> list[str]:
    """Whether T1 and T1c are exchanged: tumour that is called enhancing is brighter on the T1."""
    part, rest = brain & (labels == ENHANCING), brain & (labels == 0)
    if not part.any() or not rest.any():
        return []
    usual, usual_c = float(np.median(t1[rest])), float(np.median(t1c[rest]))
    normalised = t1.min() < -0.05 * usual or t1c.min() < -0.05 * usual_c
    if usual <= 0 or usual_c <= 0 or normalised:
        return []  # a ratio would say nothing
    plain, contrast = float(t1[part].mean()) / usual, float(t1c[part].mean()) / usual_c
    if not plain > EXCHANGED * contrast:
        return []
    return [
        f"{path}: what the segmentation calls enhancing is brighter on the T1 ({plain:.2f} of the brain's median) than "
        f"on the T1c ({contrast:.2f}): are the two exchanged, or is one inverted?"
    ]


def check_tumour(path: Path | None, tumour: Array, brain: Array, what: str = "tumour") -> None:
    """Raise an InputError if a segmentation marks most of the brain, as a mask of the brain or of its tissue does."""
    share = float((tumour & brain).sum() / brain.sum()) if brain.any() else 0.0
    if share > MOST_OF_BRAIN:
        raise InputError(
            f"{path}: marks {share:.0%} of the brain as {what}: is it a mask of the brain, or a segmentation of tissue?"
        )


def check_pet(path: Path, pet: Array, labels: Array, brain: Array) -> list[str]:
    """
    Whether a FET-PET can be one.

    Parameters
    ----------
    path : path
    pet : ndarray [x, y, z]
    labels : ndarray of uint8 [x, y, z]
        1 necrotic core, 2 edema, 3 enhancing core.
    brain : ndarray of bool [x, y, z]

    Returns
    -------
    list of str
        A warning where the tumour takes up no more than the brain.

    Raises
    ------
    InputError
        If uptake is negative in much of the brain, or the enhancing core and edema have none.
    """
    negative = float((pet[brain] < 0).mean())
    if negative > NEGATIVE:
        raise InputError(
            f"{path}: uptake is negative in {negative:.0%} of the brain; give it in SUV, Bq/ml or over background, "
            "not normalised"
        )
    region = pet_region(pet, labels)
    if np.isin(labels, (EDEMA, ENHANCING)).any() and not (pet[region] > 0).any():
        raise InputError(f"{path}: no uptake in the enhancing core and edema")
    tumour = (labels == ENHANCING) & brain
    tumour = tumour if tumour.any() else (labels > 0) & brain
    usual = float(np.median(pet[brain & (labels == 0)])) if (brain & (labels == 0)).any() else 0.0
    if not usual > 0 or not tumour.any():
        return []  # cut away outside the tumour
    seen = float(pet[tumour].mean()) / usual
    if seen >= TAKEN_UP:
        return []
    return [
        f"{path}: the tumour takes up no more than the brain ({seen:.2f} of its median): does the FET-PET belong to "
        "this scan and header? Look at it in the pictures"
    ]


def check_maps(
    files: dict[str, Path], images: dict[str, Array], t1: Array | None, brain: Array, tumour: Array
) -> list[str]:
    """
    Whether a patient's own maps can be fractions of tissue in this brain.

    Parameters
    ----------
    files : dict of path
        Columns wm, gm and perhaps csf.
    images : dict of ndarray [x, y, z]
    t1 : ndarray [x, y, z], optional
        On which white matter is brighter than grey.
    brain, tumour : ndarray of bool [x, y, z]
        Of the tumour, and of a cavity, maps may say anything.

    Returns
    -------
    list of str
        Warnings.

    Raises
    ------
    InputError
        On values that are no fractions, fractions that add up to more than 1, or maps that miss the brain.
    """
    names = [name for name in ("wm", "gm", "csf") if name in images]
    for name in names:
        low, high = float(images[name].min()), float(images[name].max())
        if low < -0.01 or high > 1.01:
            scale = "; is it in percent?" if 20 < high <= 100 else "; was it stored in 8 bits?" if high == 255 else ""
            raise InputError(f"{files[name]}: not a map of fractions: values run from {low:.3g} to {high:.3g}{scale}")
    rest = brain & ~tumour
    total = sum(images[name][rest] for name in names)
    overfull = float((total > OVERFULL).mean()) if rest.any() else 0.0
    if overfull > OUTSIDE:
        raise InputError(
            f"{files['wm']}: {', '.join(names)} add up to more than 1 in {overfull:.0%} of the brain; they share it"
        )
    covered = float((total >= FRACTION).mean()) if rest.any() else 1.0
    if covered < HALF:
        raise InputError(f"{files['wm']}: {', '.join(names)} cover only {covered:.0%} of the brain: are they apart?")
    warnings = []
    if covered < COVERED:
        warnings.append(
            f"{files['wm']}: {', '.join(names)} cover only {covered:.0%} of the brain; the rest counts as CSF. Look at "
            "the outlines of tissue in the pictures"
        )
    if t1 is not None and darker_white(t1, images["wm"], images["gm"], rest):
        warnings.append(
            f"{files['wm']}: where it has white matter the scan is darker than where {files['gm'].name} has grey "
            "matter: are the two exchanged?"
        )
    return warnings


def darker_white(t1: Array, wm: Array, gm: Array, rest: Array) -> bool:
    """
    Whether a T1 is darker where maps have white matter than where they have grey, in `rest` of the brain.

    In the shared patients white matter is 1.11 to 1.27 times as bright.
    """
    white, grey = (t1[rest & (fractions > 0.8)] for fractions in (wm, gm))
    if min(len(white), len(grey)) <= 1000 or not float(np.median(t1[rest])) > 0:
        return False
    return bool(np.median(white) < np.median(grey))


def check_recurrence(path: Path, recurrence: Array, scans_labels: Array, brain: Array, affine: Array) -> list[str]:
    """
    Whether a recurrence can be one of this patient's tumour.

    Parameters
    ----------
    path : path
    recurrence, scans_labels : ndarray of uint8 [x, y, z]
        The recurrence and the segmentation, in the labels of `gliofit.observation.labels`.
    brain : ndarray of bool [x, y, z]
    affine : ndarray (4, 4)

    Returns
    -------
    list of str
        Warnings.

    Raises
    ------
    InputError
        If it marks most of the brain, or lies outside it.
    """
    marked = recurrence > 0
    if not marked.any():
        return [f"{path}: is empty; coverage of the recurrence is undefined"]
    check_tumour(path, marked, brain, "recurrence")
    outside = float((marked & ~brain).sum() / marked.sum())
    if outside > HALF:
        raise InputError(f"{path}: {outside:.0%} of the recurrence lies outside the brain")
    warnings = []
    if not (recurrence == ENHANCING).any():
        warnings.append(
            f"{path}: is a mask without parts (no enhancing label); coverage of its enhancing core is undefined"
        )
    if outside > OUTSIDE:
        warnings.append(f"{path}: {outside:.1%} of the recurrence lies outside the brain, where no plan can cover it")
    if np.array_equal(recurrence, scans_labels):
        warnings.append(f"{path}: the recurrence is the segmentation itself, voxel for voxel; is it a copy?")
    tumour = scans_labels > 0
    if not (marked & tumour).any():
        away = ndimage.distance_transform_edt(~tumour, sampling=grids.spacing_of(affine))
        nearest = float(away[marked].min())
        if nearest > FAR_MM:
            warnings.append(
                f"{path}: the recurrence lies {nearest:.0f} mm away from the tumour at least: is it in this scan's "
                "space, left and right as in it? Look at it in the pictures"
            )
    return warnings
