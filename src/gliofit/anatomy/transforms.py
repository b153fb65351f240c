"""
The way between an atlas and a patient, found by whatever tool: images and points in both directions.

Files hold an affine (patient → atlas) in ITK's formats and displacements in mm of ITK's world, which runs to the left
and to the back; SimpleITK reads and applies them. All else here is in mm of the NIfTI world (RAS+).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file
from gliofit.base.nifti import Volume
from gliofit.base.threads import in_threads

AFFINE, WARP, INVERSE_WARP = "affine.mat", "warp.nii.gz", "inverse_warp.nii.gz"
FILES = {
    "ants": (AFFINE, WARP, INVERSE_WARP),
    "greedy": ("greedy_affine.txt", "greedy_warp.nii.gz", "greedy_inverse_warp.nii.gz"),
}
"""
Tool → its files: affine, warp, and the warp's inverse. Each tool has names of its own, so that none reads the files of
another: greedy takes ANTs' .mat for another affine, without a word.
"""

BLOCK_MM, RIM_MM = 8.0, 12.0
"""Where a volume lies on another grid is told by the middles of blocks of this size, and a rim around them."""

BLOCK = 16
"""Voxels of a block's edge, which is sampled or, if nothing can be there, not."""

LPS = np.array([-1.0, -1.0, 1.0])
"""ITK's world to NIfTI's, and back."""


@dataclass(frozen=True)
class Registration:
    """
    Transforms between an atlas and a patient.

    The warp lives on a grid about the patient's brain. A point x of the patient is at affine(x + warp(x)) in the atlas,
    and a point y of the atlas is at z + inverse(z) in the patient, where z = affine⁻¹(y).

    Parameters
    ----------
    folder : path
        Where a tool's `FILES` are.
    threads : int
        For images.

    Raises
    ------
    InputError
        Naming a file that is missing.
    """

    folder: Path
    threads: int = 1

    def __post_init__(self) -> None:
        for path in self.files:
            if not path.is_file():
                raise InputError(f"{path}: {no_such_file(path)}")

    @property
    def tool(self) -> str:
        """Which tool's files these are."""
        folder = Path(self.folder)
        return next((tool for tool, names in FILES.items() if (folder / names[0]).is_file()), "ants")

    @property
    def files(self) -> list[Path]:
        """Affine, warp and the warp's inverse."""
        return [Path(self.folder) / name for name in FILES[self.tool]]

    def to_patient(self, volumes: Sequence[Volume], shape: tuple, affine: Array) -> list[Array]:
        """
        Atlas-space volumes on a patient's grid, by linear interpolation.

        Where the grid is coarser than a volume, along any axis, a voxel is the mean over sub-points as dense as the
        volume's voxels, so that fractions and densities keep their sum.

        Parameters
        ----------
        volumes : sequence of Volume
        shape : tuple of int (3,)
        affine : ndarray (4, 4)
            Of the patient's grid, voxel → mm.

        Returns
        -------
        list of ndarray [x, y, z]
            float32; 0 outside the atlas.
        """
        return self._sampled(False, volumes, shape, affine)

    def to_atlas(self, volumes: Sequence[Volume], shape: tuple, affine: Array) -> list[Array]:
        """Patient-space volumes on an atlas grid; otherwise as `to_patient`."""
        return self._sampled(True, volumes, shape, affine)

    def points_to_patient(self, points: Array) -> Array:
        """World points (n, 3) in mm of the atlas → the patient's world."""
        return _moved(self._to_patient, points)

    def points_to_atlas(self, points: Array) -> Array:
        """World points (n, 3) in mm of the patient → the atlas's world."""
        return _moved(self._to_atlas, points)

    def smallest_jacobian(self, brain: Volume) -> float:
        """
        The least that the warp, in either direction, leaves of a small volume in a patient's brain; at 0 it folds.

        Parameters
        ----------
        brain : Volume
            The patient's, a mask. What folds beside it moves nothing but air.

        Returns
        -------
        float
            Over the voxels of the warp's grid that have some of the brain in them; 1 if none has.
        """
        field = _field(self.files[1])
        change = _volume_change(field)
        inside = change[grids.resample(brain.data, brain.affine, change.shape, _affine_of(field)) > 0]
        # what the inverse leaves is one over what the warp makes
        return min(float(inside.min()), 1 / float(inside.max())) if inside.size else 1.0

    @cached_property
    def _affine(self) -> Any:
        import SimpleITK as sitk

        return sitk.AffineTransform(sitk.ReadTransform(str(self.files[0])))

    @cached_property
    def _to_atlas(self) -> Any:
        """Patient → atlas; ITK applies the last of a list first."""
        import SimpleITK as sitk

        return sitk.CompositeTransform([self._affine, sitk.DisplacementFieldTransform(_field(self.files[1]))])

    @cached_property
    def _to_patient(self) -> Any:
        import SimpleITK as sitk

        inverse = sitk.DisplacementFieldTransform(_field(self.files[2]))
        return sitk.CompositeTransform([inverse, self._affine.GetInverse()])

    def _sampled(self, back: bool, volumes: Sequence[Volume], shape: tuple, affine: Array) -> list[Array]:
        """Volumes at the places where the transform, or the way `back` (atlas → patient), takes a grid's points."""
        sampled: list[Array] = []
        # volumes of one grid go together: where a voxel comes from takes longer to tell than what is there
        for _, group in groupby(volumes, lambda volume: (volume.shape, np.asarray(volume.affine).tobytes())):
            alike = _cropped(list(group))
            place = _place(self._to_atlas if back else self._to_patient, alike, shape, affine)
            parts = self._on_grid(back, alike, place, affine)
            if any(_reaches_a_face(part, place, shape) for part in parts):
                place = tuple(slice(0, n) for n in shape)
                parts = self._on_grid(back, alike, place, affine)
            for part in parts:
                whole = np.zeros(shape, np.float32)
                whole[place] = part
                sampled.append(whole)
        return sampled

    def _on_grid(self, back: bool, alike: list[Volume], place: tuple[slice, ...], affine: Array) -> list[Array]:
        """Volumes of one grid in a part of another."""
        affine = grids.shifted(affine, np.array([side.start for side in place]))
        fine, dense = grids.sub_voxels(alike[0].affine, affine)
        size = tuple(int((side.stop - side.start) * n) for side, n in zip(place, fine, strict=True))
        # a rim of zeros, so that beyond it there is nothing to interpolate
        sources = [np.pad(np.asarray(volume.data, np.float32), 1) for volume in alike]
        where = self._voxels(back, grids.shifted(alike[0].affine, np.full(3, -1)), size, dense)
        blocks = _not_empty(where, np.any([source != 0 for source in sources], 0))

        def sampled(source: Array) -> Array:
            out = np.zeros(size, np.float32)
            for block in blocks:
                out[block] = ndimage.map_coordinates(source, where[:, *block], order=1, mode="constant")
            return grids.means(out, fine)

        return in_threads(sampled, sources, self.threads)

    def _voxels(self, back: bool, source: Array, shape: tuple, affine: Array) -> Array:
        """
        Voxels of a grid (`source`, its affine) that the points of another come from, float32 (3, x, y, z).

        Displacements are interpolated on that other grid axis by axis, which takes a third of the time of one transform
        for each point.
        """
        import SimpleITK as sitk

        atlas = self._matrix
        field = _field(self.files[2 if back else 1])
        home = (atlas if back else np.eye(4)) @ _affine_of(field)  # the way back begins in the atlas's space
        lps = sitk.GetArrayFromImage(field).T

        def displaced(axis: int) -> Array:
            return grids.resample(lps[axis], home, shape, affine, average=False)

        steps = np.stack(in_threads(displaced, range(3), self.threads))
        to_voxel = np.linalg.inv(source)
        turn = (to_voxel if back else to_voxel @ atlas)[:3, :3] * LPS
        where = (turn.astype(np.float32) @ steps.reshape(3, -1)).reshape(steps.shape)
        linear = to_voxel @ (np.linalg.inv(atlas) if back else atlas) @ affine
        x, y, z = (np.arange(n) for n in shape)
        for own, (a, b, c, start) in zip(where, linear, strict=False):
            own += (a * x[:, None] + b * y + start).astype(np.float32)[..., None]
            own += (c * z).astype(np.float32)
        return where

    @property
    def _matrix(self) -> Array:
        """The affine, patient → atlas in mm of the NIfTI world (RAS+), (4, 4)."""
        linear = np.reshape(self._affine.GetMatrix(), (3, 3))
        centre = np.array(self._affine.GetCenter())
        matrix = np.eye(4)
        matrix[:3, :3] = linear * np.outer(LPS, LPS)
        matrix[:3, 3] = LPS * (np.array(self._affine.GetTranslation()) + centre - linear @ centre)
        return matrix


def _not_empty(where: Array, some: Array) -> list[tuple[slice, ...]]:
    """
    Blocks of a grid that can see something: most of a head's box is air.

    Parameters
    ----------
    where : ndarray (3, x, y, z)
        Voxels of another grid that its points come from.
    some : ndarray of bool [x, y, z]
        Where that has something.
    """
    shape = where.shape[1:]
    low, high = where, where
    for axis, n in enumerate(shape, 1):
        starts = np.arange(0, n, BLOCK)
        low, high = np.minimum.reduceat(low, starts, axis), np.maximum.reduceat(high, starts, axis)
    first = np.floor(low).clip(0).astype(int)
    end = np.ceil(high).clip(-1).astype(int) + 1
    blocks = []
    for block in np.ndindex(*low.shape[1:]):
        seen = tuple(slice(a, b) for a, b in zip(first[:, *block], end[:, *block], strict=True))
        if some[seen].any():
            blocks.append(tuple(slice(n * BLOCK, (n + 1) * BLOCK) for n in block))
    return blocks


def _cropped(alike: list[Volume]) -> list[Volume]:
    """Volumes of one grid without what is zero in all of them, but for a rim, as interpolation ends there."""
    some = np.any([volume.data != 0 for volume in alike], 0)
    box = grids.box_of(some, 1) if some.any() else (slice(0, 1),) * 3
    affine = grids.shifted(alike[0].affine, np.array([side.start for side in box]))
    return [Volume(volume.data[box], affine) for volume in alike]


def _place(back: Any, alike: list[Volume], shape: tuple, affine: Array) -> tuple[slice, ...]:
    """The part of a grid where volumes of another lie: where `back` takes the middles of small blocks, and a rim."""
    some = np.any([volume.data != 0 for volume in alike], 0)
    size = np.maximum(1, BLOCK_MM / grids.spacing_of(alike[0].affine)).astype(int)
    for axis, n in enumerate(size):
        some = np.logical_or.reduceat(some, np.arange(0, some.shape[axis], n), axis)
    points = (np.argwhere(some) + 0.5) * size - 0.5
    if not len(points):
        return tuple(slice(0, 1) for _ in shape)
    index = grids.to_voxel(affine, _moved(back, grids.to_world(alike[0].affine, points)))
    room = RIM_MM / grids.spacing_of(affine)
    low = np.clip(np.floor(index.min(0) - room), 0, np.array(shape) - 1).astype(int)
    high = np.clip(np.ceil(index.max(0) + room) + 1, low + 1, shape).astype(int)
    return tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))


def _reaches_a_face(part: Array, place: tuple[slice, ...], shape: tuple) -> bool:
    """Whether a part of a grid has something where it, and not the grid, ends."""
    for axis, (side, n) in enumerate(zip(place, shape, strict=True)):
        ends = np.moveaxis(part, axis, 0)
        if (side.start > 0 and ends[0].any()) or (side.stop < n and ends[-1].any()):
            return True
    return False


def _affine_of(image: Any) -> Array:
    """Voxel → RAS mm (4, 4) of an image of ITK's."""
    affine = np.eye(4)
    affine[:3, :3] = LPS[:, None] * np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = LPS * image.GetOrigin()
    return affine


def _field(path: Path) -> Any:
    """Displacements, mm."""
    import SimpleITK as sitk

    return sitk.ReadImage(str(path), sitk.sitkVectorFloat64)


def _volume_change(field: Any) -> Array:
    """What displacements make of small volumes [x, y, z]. ITK takes axes for the world's: Dᵀ v is told along them."""
    import SimpleITK as sitk

    along = sitk.GetArrayFromImage(field) @ np.reshape(field.GetDirection(), (3, 3))
    image = sitk.GetImageFromArray(along, isVector=True)
    image.SetSpacing(field.GetSpacing())
    return sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(image)).T


def _moved(transform: Any, points: Array) -> Array:
    places = np.atleast_2d(np.asarray(points, float)) * LPS
    return np.array([transform.TransformPoint(place) for place in places.tolist()]).reshape(-1, 3) * LPS
