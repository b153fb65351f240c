"""The way between a patient and the atlas, for methods that work in the atlas's space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.anatomy.transforms import Registration
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.nifti import Volume


@dataclass(frozen=True, eq=False)
class Morph:
    """
    An atlas and the transforms to it.

    Parameters
    ----------
    tissue : Tissue
        Of the atlas, on a working grid.
    registration : Registration, optional
        None: patient and atlas share their space.
    """

    tissue: Tissue
    registration: Registration | None = None

    def to_atlas(self, data: list[Array], affine: Array, shape: tuple, target: Array) -> list[Array]:
        """
        Maps of the patient on a grid of the atlas's space.

        Parameters
        ----------
        data : list of ndarray [x, y, z]
        affine : ndarray (4, 4)
            Of the maps, mm in the patient's space.
        shape, target : tuple, ndarray (4, 4)
            The grid.

        Returns
        -------
        list of ndarray [x, y, z], float32
            Averaged or interpolated; 0 where there is no data.
        """
        if self.registration is None:
            return [grids.resample(d, affine, shape, target) for d in data]
        return self.registration.to_atlas([Volume(d, affine) for d in data], shape, target)

    def to_patient(self, density: Array, shape: tuple, affine: Array) -> Array:
        """A density on the atlas's working grid → a grid of the patient's space, float32 [x, y, z]."""
        if self.registration is None:
            return grids.resample(density, self.tissue.affine, shape, affine)
        return self.registration.to_patient([Volume(density, self.tissue.affine)], shape, affine)[0]

    def point_to_patient(self, point: Array) -> Array:
        """A point (3,) of the atlas, mm → the patient's space."""
        point = np.asarray(point, float)
        return point if self.registration is None else self.registration.points_to_patient(point)[0]
