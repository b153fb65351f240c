"""What was drawn on a scan – segmentations, masks, maps – and goes where that goes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_scan
from gliofit.patients.headers import PLACE, check_header
from gliofit.patients.raw.image import Raw
from gliofit.patients.raw.rows import MR
from gliofit.patients.sample_sheet import Patient

MAPS = ("wm", "gm", "csf")
WHOLE = 1e-3
"""Labels may be this far from whole numbers, as scaled integers are."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """
    A segmentation, mask or map.

    Parameters
    ----------
    volume : Volume
    path : Path
    on : str
        The column of the scan whose grid it has, whatever the order of its axes.
    """

    volume: Volume
    path: Path
    on: str


def find_drawn(name: str, patient: Patient, raw: dict[str, Raw], warnings: list[str]) -> Drawn:
    """A file of a row, with the scan that it was drawn on; InputError if it has the grid of none."""
    path = patient.files[name]
    _, _, doubts = check_header(path)
    volume = load_scan(path)
    if name not in MAPS and np.abs(np.rint(volume.data) - volume.data).max() > WHOLE:
        raise InputError(f"{path}: holds values that are not whole numbers; it is no segmentation")
    order = ["followup", *MR, "fet"] if name == "recurrence" else [*MR, "fet"]
    for scan in order:
        if scan in raw and _same_box(volume, raw[scan].volume):
            warnings += [*doubts, *volume.said(path)]
            return Drawn(volume, path, scan)
    names = ", ".join(scan for scan in order if scan in raw)
    raise InputError(f"{path}: {volume.shape} voxels that lie on the grid of no scan of the patient ({names})")


def _same_box(one: Volume, other: Volume) -> bool:
    """Whether two grids have their voxels at the same places, axes exchanged or flipped or not."""
    if sorted(one.shape) != sorted(other.shape):
        return False
    index = np.linalg.inv(other.affine) @ one.affine
    turn = np.rint(index[:3, :3])
    if not (np.abs(turn).sum(0) == 1).all() or not (np.abs(turn).sum(1) == 1).all():
        return False
    corners = [grids.to_voxel(other.affine, grids.to_world(one.affine, np.array(c))) for c in _ends(one.shape)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    return bool(np.abs([low, high - (np.array(other.shape) - 1)]).max() < PLACE)


def _ends(shape: tuple) -> list[tuple[int, ...]]:
    return list(product(*[(0, n - 1) for n in shape]))


def carried(name: str, drawn: Drawn, raw: dict[str, Raw], grid: tuple[tuple, Array]) -> tuple[Array, str]:
    """A segmentation or map on the reference's grid, and its kind."""
    volume, scan = drawn.volume, raw[drawn.on]
    # the scan's motion; its own voxels may have other axes
    place = volume.affine if scan.motion is None or scan.as_is else scan.motion.matrix @ volume.affine
    if name in MAPS:
        return grids.resample(volume.data, place, *grid), "fraction"
    numbers = np.rint(volume.data)
    if scan.motion is None or scan.as_is:
        return grids.resample(numbers.astype(np.int16), place, *grid, order=0), "label"
    return _majority(numbers.astype(np.int16), place, grid), "label"


def _majority(labels: Array, place: Array, grid: tuple[tuple, Array]) -> Array:
    """Each voxel gets the label that has most of it: smoother than the nearest voxel's."""
    best = np.full(grid[0], 0.0, np.float32)
    rest = np.ones(grid[0], np.float32)
    out = np.zeros(grid[0], np.int16)
    for label in np.unique(labels[labels != 0]):
        share = grids.resample((labels == label).astype(np.float32), place, *grid)
        out[share > best] = label
        best = np.maximum(best, share)
        rest -= share
    return np.where(rest > best, 0, out).astype(np.int16)
