"""A patient's images on one grid, as they were read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.nifti import Volume
from gliofit.patients.labels import CAVITY, parts
from gliofit.patients.sample_sheet import Patient

ROOM_MM = 16.0
"""Around brain and tumour: as far as an atlas that lies well can reach beyond them."""


@dataclass(eq=False)
class Scans:
    """
    A patient's images on one grid.

    Parameters
    ----------
    patient : Patient
    affine : ndarray (4, 4)
    images : dict of str → ndarray [x, y, z]
        float32, by column of the sample sheet, as far as they are given (without seg and brain).
    labels : ndarray [x, y, z]
        uint8: 1 necrotic core, 2 edema, 3 enhancing core, 4 resection cavity; none outside the brain.
    brain : ndarray [x, y, z]
        bool, the cavity included.
    known : bool
        Whether the brain was told from the patient's files; otherwise all is True, and the atlas's will stand in.
    warnings : list of str
        Sentences on what is doubtful.
    """

    patient: Patient
    affine: Array
    images: dict[str, Array]
    labels: Array
    brain: Array
    known: bool = True
    warnings: list[str] = field(default_factory=list)

    def around(self, also: Array | None = None) -> tuple[Scans, tuple[slice, slice, slice]]:
        """
        The part of the grid with brain and tumour, and `ROOM_MM` around, in C order; and which part that is.

        Most of a grid is air, and what is done voxel by voxel takes as long there as in the brain. Warnings are those
        of the whole, as one list.

        Parameters
        ----------
        also : ndarray of bool [x, y, z], optional
            More that belongs to it.
        """
        some = self.brain | (self.labels > 0)
        some = some if also is None else some | also
        box = grids.box_of(some, np.ceil(ROOM_MM / grids.spacing_of(self.affine)).astype(int))
        affine = grids.shifted(self.affine, np.array([side.start for side in box]))
        images = {name: np.ascontiguousarray(image[box]) for name, image in self.images.items()}
        labels, brain = (np.ascontiguousarray(data[box]) for data in (self.labels, self.brain))
        return Scans(self.patient, affine, images, labels, brain, self.known, self.warnings), box

    @property
    def shape(self) -> tuple:
        return self.labels.shape

    @property
    def millilitres(self) -> float:
        """Volume of a voxel."""
        return float(np.prod(grids.spacing_of(self.affine))) / 1000

    @property
    def core(self) -> Array:
        """Tumour core (enhancing and necrotic), bool."""
        return parts(self.labels)[0]

    @property
    def whole(self) -> Array:
        """Whole tumour (core and edema), bool."""
        return parts(self.labels)[1]

    @property
    def cavity(self) -> Array:
        """What a resection left, bool: no tissue, and no part of the tumour."""
        return self.labels == CAVITY

    @property
    def t1(self) -> Volume:
        """What the atlas is registered to: T1, or T1c for want of it."""
        return Volume(self.images["t1" if "t1" in self.images else "t1c"], self.affine)
