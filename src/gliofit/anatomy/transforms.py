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

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume

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
                raise InputError(f"{path}: no such file")

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
        return self._sampled(self._to_atlas, self._to_patient, volumes, shape, affine)

    def to_atlas(self, volumes: Sequence[Volume], shape: tuple, affine: Array) -> list[Array]:
        """Patient-space volumes on an atlas grid; otherwise as `to_patient`."""
        return self._sampled(self._to_patient, self._to_atlas, volumes, shape, affine)

    def points_to_patient(self, points: Array) -> Array:
        """World points (n, 3) in mm of the atlas → the patient's world."""
        return _moved(self._to_patient, points)

    def points_to_atlas(self, points: Array) -> Array:
        """World points (n, 3) in mm of the patient → the atlas's world."""
        return _moved(self._to_atlas, points)

    @cached_property
    def smallest_jacobian(self) -> float:
        """
        The least that the warp, in either direction, leaves of a small volume; at 0 and below it folds.

        What the inverse leaves is one over what the warp makes. Differences of the inverse itself are too coarse where
        it stretches: of a warp from 0.23 to 2.2, they came to −0.6.
        """
        import SimpleITK as sitk

        change = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(_field(self.files[1])))
        return min(float(change.min()), 1 / float(change.max()))

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

    def _sampled(
        self, transform: Any, back: Any, volumes: Sequence[Volume], shape: tuple, affine: Array
    ) -> list[Array]:
        """Volumes at the places where `transform`, the inverse of `back`, takes the points of a grid."""
        sampled: list[Array] = []
        # volumes of one grid go together: where a voxel comes from takes longer to tell than what is there
        for _, group in groupby(volumes, lambda volume: (volume.shape, np.asarray(volume.affine).tobytes())):
            alike = _cropped(list(group))
            place = _place(back, alike, shape, affine)
            parts = self._on_grid(transform, alike, place, affine)
            if any(_reaches_a_face(part, place, shape) for part in parts):
                place = tuple(slice(0, n) for n in shape)
                parts = self._on_grid(transform, alike, place, affine)
            for part in parts:
                whole = np.zeros(shape, np.float32)
                whole[place] = part
                sampled.append(whole)
        return sampled

    def _on_grid(self, transform: Any, alike: list[Volume], place: tuple[slice, ...], affine: Array) -> list[Array]:
        """Volumes of one grid in a part of another."""
        import SimpleITK as sitk

        affine = grids.shifted(affine, np.array([side.start for side in place]))
        fine, dense = grids.sub_voxels(alike[0].affine, affine)
        resampler = sitk.ResampleImageFilter()
        resampler.SetNumberOfThreads(self.threads)
        resampler.SetTransform(transform)
        resampler.SetInterpolator(sitk.sitkLinear)
        resampler.SetSize([int((side.stop - side.start) * n) for side, n in zip(place, fine, strict=True)])
        origin, spacing, direction = _geometry(dense)
        resampler.SetOutputOrigin(origin)
        resampler.SetOutputSpacing(spacing)
        resampler.SetOutputDirection(direction)
        out = sitk.GetArrayFromImage(resampler.Execute(_image(alike)))
        out = out.reshape(*out.shape[:3], -1)  # of one number a voxel there is no last axis
        return [grids.means(out[..., number].T, fine) for number in range(len(alike))]


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


def _geometry(affine: Array) -> tuple[list[float], list[float], list[float]]:
    """Origin, spacing and direction, as ITK has them, of a voxel → RAS mm affine without shear."""
    spacing = grids.spacing_of(affine)
    direction = LPS[:, None] * np.asarray(affine)[:3, :3] / spacing
    return (LPS * np.asarray(affine)[:3, 3]).tolist(), spacing.tolist(), direction.ravel().tolist()


def _image(volumes: Sequence[Volume]) -> Any:
    """Volumes on one grid as an image of vectors of ITK's."""
    import SimpleITK as sitk

    data = np.stack([volume.data.T for volume in volumes], -1).astype(np.float32, copy=False)
    image = sitk.GetImageFromArray(data, isVector=True)
    origin, spacing, direction = _geometry(volumes[0].affine)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    return image


def _field(path: Path) -> Any:
    """Displacements, mm."""
    import SimpleITK as sitk

    return sitk.ReadImage(str(path), sitk.sitkVectorFloat64)


def _moved(transform: Any, points: Array) -> Array:
    places = np.atleast_2d(np.asarray(points, float)) * LPS
    return np.array([transform.TransformPoint(place) for place in places.tolist()]).reshape(-1, 3) * LPS
