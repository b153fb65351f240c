"""
A case of PredictGBM's container contract: `Patient-00000/00000-{gm,wm,csf,tumorseg}.nii.gz`, and pet.

The benchmark has done what `gliofit.patients.preparation` does – registration, skull-stripping, segmentation – and
hands over tissue maps and labels (1 necrotic core, 2 edema, 3 enhancing core, 4 resection cavity) alone. Everything is
brought to the grid of tumorseg, on which the prediction is to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file
from gliofit.base.nifti import Volume, load_scan, load_volume
from gliofit.patients import contents
from gliofit.patients.brain import brain_of
from gliofit.patients.headers import PLACE, check_header
from gliofit.patients.labels import (
    CAVITY,
    EDEMA,
    ENHANCING,
    doubts,
    parts,
    read_recurrence,
    read_segmentation,
    shape_doubts,
)
from gliofit.patients.preparation import fill
from gliofit.patients.prepared import Prepared
from gliofit.patients.sample_sheet import Patient
from gliofit.patients.scans import mask

LABELS = "brats2024"
"""The benchmark's labels."""

MAPS = ("wm", "gm", "csf")
IMAGE = (".nii.gz", ".nii")

LEAST_INSIDE = 0.25
"""Share of what lies around a tumour that is brain, or the tumour is not in it."""

TISSUE = 0.01
"""Where the maps add up to this, a prediction is positive."""


@dataclass(frozen=True, eq=False)
class BenchmarkCase(Prepared):
    """
    A case, prepared as a patient with tissue maps is.

    Parameters
    ----------
    head : ndarray of bool [x, y, z]
        Where a prediction is to be positive: all that the maps or labels (or the mask of the brain) have.
    pet, returned : ndarray [x, y, z], optional
        FET-PET and the labels of the recurrence, on the grid of tumorseg.
    warnings : tuple of str
    """

    head: Array = field(default_factory=lambda: np.zeros((1, 1, 1), bool))
    pet: Array | None = None
    returned: Array | None = None
    warnings: tuple[str, ...] = ()

    @cached_property
    def fet(self) -> Array | None:
        return self.pet

    @cached_property
    def recurrence(self) -> Array | None:
        return self.returned


def cases(folder: str | Path) -> list[Path]:
    """
    Folders `Patient-*` of an input folder, sorted.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: {'is a file; a folder is needed' if folder.exists() else 'no such folder'}")
    found = sorted(p for p in folder.iterdir() if p.is_dir() and p.name.startswith("Patient-"))
    if not found:
        raise InputError(f"{folder}: has no folder Patient-00000 with 00000-tumorseg.nii.gz, -gm, -wm and -csf")
    return found


def case_id(folder: Path) -> str:
    """ "00000" of Patient-00000."""
    return folder.name.removeprefix("Patient-")


def load_case(folder: str | Path, recurrence: str | Path | None = None, tumour_tissue: str = "core") -> BenchmarkCase:
    """
    Read and check a case.

    Parameters
    ----------
    folder : path
        `Patient-ID`.
    recurrence : path, optional
        Labels of the follow-up scan, on the same grid.
    tumour_tissue : str
        See `gliofit.patients.preparation.prepare_patient`.

    Raises
    ------
    InputError
        Naming the file that is missing or unreadable, has unknown labels or no tumour, is no map of fractions, or lies
        elsewhere than the others.
    """
    folder = Path(folder)
    paths = {name: _path(folder, name) for name in ("tumorseg", *MAPS)}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise InputError(f"{folder}: has no {case_id(folder)}-{missing[0]}.nii.gz")
    known = {name: path for name, path in paths.items() if path is not None}
    warnings = list[str]()
    for path in known.values():
        check_header(path)
    seg = _scan(known["tumorseg"], warnings)
    labels = read_segmentation(seg.data, LABELS, known["tumorseg"], warnings)
    core, whole = parts(labels)
    if not whole.any():
        raise InputError(f"{known['tumorseg']}: shows no tumour (labels 1, 2 or 3)")
    read = {name: _scan(known[name], warnings) for name in MAPS}
    maps = _placed(read, seg, whole, known, warnings)
    spacing = grids.spacing_of(seg.affine)
    given = _path(folder, "brain_mask")
    if given is None:
        tissue_here = np.sum(maps, axis=0) >= TISSUE
        # a labelled voxel that the maps know of is brain, even where it hangs on to the rest by a corner alone
        brain = brain_of(np.where(labels > 0, 1, np.sum(maps, axis=0)), spacing) | (tissue_here & (labels > 0))
        head = brain | tissue_here
    else:
        head = brain = mask(given, _same_grid(given, seg)) | (labels > 0)
    contents.check_tumour(known["tumorseg"], whole, brain)
    warnings += contents.check_maps(known, dict(zip(MAPS, maps, strict=True)), None, brain, labels > 0)
    warnings += [
        *doubts(seg.data, labels, LABELS, known["tumorseg"]),
        *shape_doubts(labels, spacing, known["tumorseg"]),
    ]
    filled = fill(maps, brain & (labels != CAVITY), whole, core, tumour_tissue)
    pet = _path(folder, "pet")
    uptake = None if pet is None else _resampled(_scan(pet, warnings), seg)
    if uptake is not None and not (uptake[np.isin(labels, (EDEMA, ENHANCING))] > 0).any():
        warnings.append(f"{pet}: has no uptake in the enhancing core and edema, and is not used")
        uptake = None
    if pet is not None and uptake is not None:
        warnings += contents.check_pet(pet, uptake, labels, brain)
    returned = None
    if recurrence is not None:
        source = Path(recurrence)
        returned = read_recurrence(_resampled(_scan(source, warnings), seg, order=0), LABELS, source)
        warnings += contents.check_recurrence(source, returned, labels, brain, seg.affine)
    patient = Patient(f"Patient-{case_id(folder)}", seg=known["tumorseg"], fet=(uptake is not None and pet) or None)
    report = {"patient": patient.to_dict(), "tissue": "maps"}
    wm, gm, csf = filled
    try:
        tissue = Tissue(wm, gm, csf, seg.affine)
    except InputError as error:
        raise InputError(f"{known['tumorseg']}: {error}") from None
    inside = np.where(brain, labels, 0).astype(np.uint8)
    core, whole = parts(inside)
    about = {"head": head, "pet": uptake, "returned": returned, "warnings": tuple(warnings)}
    return BenchmarkCase(tissue, inside, core, whole, brain, report, **about)


def _path(folder: Path, name: str) -> Path | None:
    """A file of a case; None if it is not there."""
    there = [folder / f"{case_id(folder)}-{name}{end}" for end in IMAGE]
    found = next((path for path in there if path.is_file()), None)
    broken = next((path for path in there if path.is_symlink() and not path.exists()), None)
    if found is None and broken is not None:
        raise InputError(f"{broken}: {no_such_file(broken)}")
    return found


def _scan(path: Path, warnings: list[str]) -> Volume:
    """A file of a case; what was repaired in reading it goes into `warnings`."""
    volume = load_scan(path)
    warnings += volume.said(path)
    return volume


def _placed(
    read: dict[str, Volume], seg: Volume, whole: Array, paths: dict[str, Path], warnings: list[str]
) -> list[Array]:
    """
    Tissue maps on the grid of the segmentation, by their affines; voxel by voxel where the affines cannot be right.

    The benchmark itself never compares affines, so that a case may have lost one of them.
    """
    rim = _rim(whole)
    by_place = [_resampled(volume, seg) for volume in read.values()]
    if _in_tissue(by_place, rim) >= LEAST_INSIDE:
        return by_place
    if all(volume.shape == seg.shape for volume in read.values()):
        as_stored = [volume.data for volume in read.values()]
        if _in_tissue(as_stored, rim) >= LEAST_INSIDE:
            warnings.append(
                f"{paths['tumorseg']}: by the affines the tumour lies outside the brain of {paths['wm'].name}; the "
                "voxels of both are taken in the order in which they are stored"
            )
            return as_stored
    raise InputError(
        f"{paths['tumorseg']}: the tumour lies outside the brain of {paths['wm'].name}, {paths['gm'].name} and "
        f"{paths['csf'].name}; do these belong to the same patient?"
    )


def _rim(whole: Array) -> Array:
    """Voxels next to the tumour, which are brain even where maps leave the tumour out."""
    return ndimage.binary_dilation(whole, iterations=2) & ~whole


def _in_tissue(maps: list[Array], rim: Array) -> float:
    """Share of the rim with tissue of any kind."""
    return float((np.sum(maps, axis=0)[rim] >= 0.1).mean()) if rim.any() else 1.0


def _same_grid(path: Path, seg: Volume, order: int = 1) -> Array:
    return _resampled(load_volume(path), seg, order)


def _resampled(volume: Volume, seg: Volume, order: int = 1) -> Array:
    """The voxels of a volume on the grid of the segmentation; as they are where that is the same grid."""
    corners = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(seg.shape) - 1)
    apart = grids.to_voxel(seg.affine, grids.to_world(volume.affine, corners)) - corners
    if volume.shape == seg.shape and float(np.abs(apart).max()) <= PLACE:
        return volume.data
    return grids.resample(volume.data, volume.affine, seg.shape, seg.affine, order=order)
