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
        Atlas-space volumes on a patient grid (`shape`, `affine`), linear, 0 outside the atlas; float32 [x, y, z].

        Where the grid is coarser than a volume, along any axis, a voxel is the mean over sub-points as dense as the
        volume's voxels, so that fractions and densities keep their sum.
        """
        return self._sampled(self._to_atlas, volumes, shape, affine)

    def to_atlas(self, volumes: Sequence[Volume], shape: tuple, affine: Array) -> list[Array]:
        """Patient-space volumes on an atlas grid; otherwise as `to_patient`."""
        return self._sampled(self._to_patient, volumes, shape, affine)

    def points_to_patient(self, points: Array) -> Array:
        """World points (n, 3) in mm of the atlas → the patient's world."""
        return _moved(self._to_patient, points)

    def points_to_atlas(self, points: Array) -> Array:
        """World points (n, 3) in mm of the patient → the atlas's world."""
        return _moved(self._to_atlas, points)

    @cached_property
    def smallest_jacobian(self) -> float:
        """The least that the warp, in either direction, leaves of a small volume; at 0 and below it folds."""
        import SimpleITK as sitk

        changes = (sitk.DisplacementFieldJacobianDeterminant(_field(path)) for path in self.files[1:])
        return min(float(sitk.GetArrayViewFromImage(change).min()) for change in changes)

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

    def _sampled(self, transform: Any, volumes: Sequence[Volume], shape: tuple, affine: Array) -> list[Array]:
        """Volumes at the places where `transform` takes the points of a grid."""
        import SimpleITK as sitk

        sampled: list[Array] = []
        # volumes of one grid go together: where a voxel comes from takes longer to tell than what is there
        for _, group in groupby(volumes, lambda volume: (volume.shape, np.asarray(volume.affine).tobytes())):
            alike = list(group)
            fine, dense = grids.sub_voxels(alike[0].affine, affine)
            resampler = sitk.ResampleImageFilter()
            resampler.SetNumberOfThreads(self.threads)
            resampler.SetTransform(transform)
            resampler.SetInterpolator(sitk.sitkLinear)
            resampler.SetSize([int(n) for n in np.array(shape) * fine])
            origin, spacing, direction = _geometry(dense)
            resampler.SetOutputOrigin(origin)
            resampler.SetOutputSpacing(spacing)
            resampler.SetOutputDirection(direction)
            out = sitk.GetArrayFromImage(resampler.Execute(_image(alike)))
            out = out.reshape(*out.shape[:3], -1)  # of one number a voxel there is no last axis
            parts = (out[..., number].T for number in range(len(alike)))
            sampled += [np.ascontiguousarray(grids.means(part, fine), np.float32) for part in parts]
        return sampled


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
