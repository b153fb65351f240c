"""Brain tissue on a voxel grid: the anatomy that a tumour grows in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.given import given_array
from gliofit.base.nifti import load_volume, save_volume

EDGE_MM = (0.05, 25.0)
"""Voxel edges outside of this are not in millimetres."""

GRID_MM = (0.25, 20.0)
"""Spacings of a working grid; a whole brain at 0.25 mm fills memory, and 20 mm shows no tumour."""

MOST = 1.1
"""Tissue fractions of a voxel add up to 1; interpolation and rounding leave a little more."""

TISSUE_THRESHOLD = 0.1
"""A voxel with p_WM + p_GM of at least this can hold tumour (TumorGrowthToolkit's convention)."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """
    Tissue fractions on a grid.

    Parameters
    ----------
    wm, gm, csf : array_like, torch tensor on the CPU or nibabel image [x, y, z]
        Fractions in [0, 1] of white matter, grey matter and cerebrospinal fluid.
    affine : array_like (4, 4)
        Voxel index → mm; no shear.

    Raises
    ------
    InputError
        On shapes that differ, values that are not finite or not fractions, fractions that add up to more than 1, or
        an affine with shear or in another unit than mm.
    """

    wm: Array
    gm: Array
    csf: Array
    affine: Array

    def __post_init__(self) -> None:
        places, shape = {}, None
        for name in ("wm", "gm", "csf"):
            data = getattr(self, name)
            plain = type(data) is np.ndarray and data.ndim == 3 and data.dtype.kind in "biuf"
            if not plain:
                data, places[name] = given_array(data, f"tissue map {name}")
            data = np.ascontiguousarray(data, dtype=np.float32)
            if not data.size:
                raise InputError(f"tissue map {name} holds no voxel: its shape is {data.shape}")
            shape = shape or data.shape
            if data.shape != shape:
                raise InputError(f"tissue map {name} has shape {data.shape}, but wm has {shape}")
            low, high = float(data.min(initial=0)), float(data.max(initial=0))
            if not np.isfinite(low + high):
                raise InputError(f"tissue map {name} holds values that are not finite")
            if low < -0.01 or high > 1.01:
                raise InputError(f"tissue map {name} is not a fraction: its values run from {low:.3g} to {high:.3g}")
            if low < 0 or high > 1:
                data = data.clip(0, 1)
            object.__setattr__(self, name, data)
        total = float((self.wm + self.gm + self.csf).max(initial=0))
        if total > MOST:
            raise InputError(f"tissue fractions add up to {total:.3g} in a voxel; wm, gm and csf share it, up to 1")
        try:
            affine = np.array(self.affine).astype(np.float64, casting="same_kind")
        except (TypeError, ValueError):
            raise InputError(f"tissue affine is {type(self.affine).__name__}, not a 4×4 matrix of numbers") from None
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
            raise InputError("tissue affine is not an invertible 4×4 matrix")
        if not np.allclose(affine[3], [0, 0, 0, 1]):
            raise InputError(f"tissue affine ends in the row {affine[3]}, not in 0, 0, 0, 1")
        for name, place in places.items():
            if place is not None and not np.allclose(place, affine, atol=1e-3):
                raise InputError(f"tissue map {name} is an image with another affine than the one given")
        direction = affine[:3, :3] / grids.spacing_of(affine)
        if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
            raise InputError("tissue affine has shear: its axes are not perpendicular")
        edges = grids.spacing_of(affine)
        if edges.min() < EDGE_MM[0] or edges.max() > EDGE_MM[1]:
            sizes = " × ".join(f"{edge:.3g}" for edge in edges)
            unit = " (in metres?)" if edges.max() < EDGE_MM[0] else " (in microns?)" if edges.min() > EDGE_MM[1] else ""
            raise InputError(f"tissue affine has voxel edges of {sizes} mm, none of a head{unit}; it is in mm")
        object.__setattr__(self, "affine", affine)

    @classmethod
    def from_nifti(cls, wm_path: str | Path, gm_path: str | Path, csf_path: str | Path) -> Tissue:
        """
        Read three NIfTI maps.

        Parameters
        ----------
        wm_path, gm_path, csf_path : path
            Fractions in [0, 1] of white matter, grey matter and cerebrospinal fluid.

        Raises
        ------
        InputError
            Naming the file, if one is missing or no NIfTI, or if shape or affine (to 10⁻³) are not those of the first.
        """
        for path in (wm_path, gm_path, csf_path):
            if not isinstance(path, str | Path):
                raise InputError(
                    f"Tissue.from_nifti takes paths, not {type(path).__name__}; Tissue takes maps and an affine"
                )
        images = [load_volume(path) for path in (wm_path, gm_path, csf_path)]
        for path, image in zip((gm_path, csf_path), images[1:], strict=True):
            if image.shape != images[0].shape:
                raise InputError(f"{path}: shape {image.shape} differs from {images[0].shape} of {wm_path}")
            if not np.allclose(image.affine, images[0].affine, atol=1e-3):
                raise InputError(f"{path}: affine differs from that of {wm_path}")
        wm, gm, csf = (image.data for image in images)
        return cls(wm, gm, csf, images[0].affine)

    @classmethod
    def pressed(cls, wm: Array, gm: Array, csf: Array, affine: Array) -> Tissue:
        """
        Tissue that has been moved and pressed, float32 arrays.

        Where it is compressed a voxel holds more than its own volume at rest, so that fractions may exceed 1.
        """
        tissue = object.__new__(cls)
        for name, value in {"wm": wm, "gm": gm, "csf": csf, "affine": affine}.items():
            object.__setattr__(tissue, name, value)
        return tissue

    def to_nifti(self, folder: str | Path) -> None:
        """Write wm.nii.gz, gm.nii.gz and csf.nii.gz into `folder`."""
        for name in ("wm", "gm", "csf"):
            save_volume(Path(folder) / f"{name}.nii.gz", getattr(self, name), self.affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.wm.shape

    @cached_property
    def spacing(self) -> Array:
        """Voxel edge lengths (3,) in mm."""
        return grids.spacing_of(self.affine)

    @cached_property
    def direction(self) -> Array:
        """Unit vectors of the voxel axes in world space, as columns (3, 3)."""
        return self.affine[:3, :3] / self.spacing

    @cached_property
    def mask(self) -> Array:
        """Where tumour can be: p_WM + p_GM ≥ 0.1, bool [x, y, z]."""
        return self.wm + self.gm >= np.float32(TISSUE_THRESHOLD)

    @cached_property
    def brain(self) -> Array:
        """Where any tissue is, CSF included, bool [x, y, z]."""
        return self.wm + self.gm + self.csf >= np.float32(TISSUE_THRESHOLD)

    def labels(self) -> Array:
        """Hard labels, uint8: 0 background, 1 CSF, 2 GM, 3 WM (the paper's coding)."""
        stack = np.stack([np.full(self.shape, TISSUE_THRESHOLD, np.float32), self.csf, self.gm, self.wm])
        return stack.argmax(0).astype(np.uint8)

    def nearest_tissue(self, point: Array) -> Array:
        """
        The point (3,) in mm nearest to `point` where a tumour can begin.

        Points in tissue are returned as they are; others (a centre of mass in a ventricle, a candidate in the CSF or
        beyond the grid) would leave the solver without a seed and move to the centre of the nearest tissue voxel.

        Raises
        ------
        InputError
            If there is no tissue.
        """
        voxel = self.to_voxel(point)
        index = np.round(voxel).astype(int)
        if np.all(index >= 0) and np.all(index < self.shape) and self.mask[tuple(index)]:
            return np.asarray(point, float)
        places = np.argwhere(self.mask)
        if not len(places):
            raise InputError("the anatomy has no tissue for a tumour to begin in")
        nearest = (((places - voxel) * self.spacing) ** 2).sum(1).argmin()
        return self.to_world(places[nearest])

    def to_voxel(self, points_mm: ArrayLike) -> Array:
        """World mm (…, 3) → continuous voxel indices."""
        return grids.to_voxel(self.affine, np.asarray(points_mm))

    def to_world(self, voxels: ArrayLike) -> Array:
        """Continuous voxel indices (…, 3) → world mm."""
        return grids.to_world(self.affine, np.asarray(voxels))

    def centre_of_mass(self, weights: Array) -> Array:
        """Centre of mass (3,) in mm of non-negative `weights` [x, y, z]; InputError if all are 0."""
        total = float(weights.sum(dtype=np.float64))
        if not total > 0:
            raise InputError("the tumour is empty: its centre of mass is undefined")
        axes = [weights.sum(axis=tuple(b for b in range(3) if b != a), dtype=np.float64) for a in range(3)]
        return self.to_world(np.array([(a * np.arange(a.size)).sum() / total for a in axes]))

    def resample_to(self, shape: tuple, affine: Array) -> Tissue:
        """
        The same anatomy on another grid.

        Parameters
        ----------
        shape : tuple of int (3,)
            [x, y, z].
        affine : ndarray (4, 4)
            Voxel index → mm. Where the grid is coarser, a voxel is the mean of what it covers (`grids.resample`).
        """
        if tuple(shape) == self.shape and np.allclose(affine, self.affine, atol=1e-5):
            return self
        wm, gm, csf = (grids.resample(m, self.affine, shape, affine) for m in (self.wm, self.gm, self.csf))
        return Tissue(wm, gm, csf, affine)

    def working_grid(self, spacing: float, margin_mm: float = 4.0) -> Tissue:
        """
        The whole brain on an RAS-aligned isotropic grid.

        Parameters
        ----------
        spacing : float
            Voxel edge, mm.
        margin_mm : float
            Around the brain.

        Raises
        ------
        InputError
            If the maps are empty, or the spacing is none.
        """
        number = isinstance(spacing, int | float | np.number) and not isinstance(spacing, bool)
        if not number or not GRID_MM[0] <= spacing <= GRID_MM[1]:
            raise InputError(f"a working grid's spacing = {spacing!r} must be {GRID_MM[0]:g} to {GRID_MM[1]:g} mm")
        if not self.brain.any():
            raise InputError("the tissue maps are empty")
        return self.resample_to(*grids.aligned_grid(self.affine, self.brain, spacing, margin_mm))

    def crop(self, offset: Array, shape: tuple) -> Tissue:
        """
        Window of the grid, zero beyond its edge.

        Parameters
        ----------
        offset : ndarray of int (3,)
            Voxel [x, y, z] of this grid that the window begins at; may be negative.
        shape : tuple of int (3,)
        """
        wm, gm, csf = (grids.take(m, offset, shape) for m in (self.wm, self.gm, self.csf))
        return Tissue(wm, gm, csf, grids.shifted(self.affine, offset))

    def crop_offset(self, centre_mm: ArrayLike, shape: tuple) -> Array:
        """Voxel offset (3,) of a window of `shape` centred on `centre_mm` (to the nearest voxel)."""
        return np.round(self.to_voxel(centre_mm)).astype(int) - np.array(shape) // 2
