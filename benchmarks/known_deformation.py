"""A patient whose way to the atlas is known: the atlas itself, deformed, with a ring tumour painted over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.registration import Registration
from gliofit.base import grids
from gliofit.base.nifti import Volume

KNOTS_MM = 40.0
"""Between the knots of the displacement."""

TURN, SHIFT = (4.0, -3.0, 5.0), (6.0, -4.0, 3.0)
"""Degrees about x, y and z, and mm: how the patient lies."""


@dataclass(frozen=True)
class Known:
    """
    A made patient.

    Parameters
    ----------
    scan : Volume
    brain, tumour : ndarray of bool [x, y, z]
    source : ndarray [x, y, z, 3]
        Where in the atlas each voxel comes from, mm.
    """

    scan: Volume
    brain: np.ndarray
    tumour: np.ndarray
    source: np.ndarray

    def errors(self, found: Registration, near: float = 0.0, far: float = 4.0) -> np.ndarray:
        """Distance, mm, between true and found source of the brain's voxels that lie `near` to `far` mm outside."""
        spacing = grids.spacing_of(self.scan.affine)
        away = ndimage.distance_transform_edt(~self.tumour, spacing)
        rim = self.brain & ~self.tumour & (away > near) & (away <= far)
        points = grids.to_world(self.scan.affine, np.argwhere(rim))
        return np.linalg.norm(found.points_to_atlas(points) - self.source[rim], axis=1)


def made_patient(
    anatomy: Anatomy, centre: tuple = (30.0, -15.0, 15.0), radius: float = 18.0, amount: float = 2.0, ring: bool = True
) -> Known:
    """
    The atlas's T1 at its own resolution, moved and deformed, with other contrast, a bias field and noise.

    Parameters
    ----------
    anatomy : Anatomy
    centre : tuple
        Of the tumour, mm from the brain's centre to the right, front and top, before it is moved.
    radius : float
        Of the tumour, mm; the outer fifth is a bright ring, the rest is dark.
    amount : float
        Standard deviation of the displacement on each axis, mm.
    ring : bool
        False: the tissue under the mask is healthy.
    """
    rng = np.random.default_rng(7)
    box = ndimage.find_objects(ndimage.binary_dilation(anatomy.tissue.brain, iterations=6).astype(int))[0]
    shape = tuple(part.stop - part.start for part in box)
    affine = grids.shifted(anatomy.t1.affine, [part.start for part in box])
    spacing = grids.spacing_of(affine)
    world = grids.to_world(affine, np.moveaxis(np.indices(shape), 0, -1)).astype(np.float32)
    knots = [int(np.ceil(n * h / KNOTS_MM)) + 3 for n, h in zip(shape, spacing, strict=True)]
    at = np.stack(
        np.meshgrid(*(1 + np.arange(n) * h / KNOTS_MM for n, h in zip(shape, spacing, strict=True)), indexing="ij")
    )
    moves = rng.normal(scale=amount / 0.48**1.5, size=(3, *knots))
    # the knots are a spline's coefficients as they are
    shift = np.stack([ndimage.map_coordinates(m, at, order=3, prefilter=False, mode="nearest") for m in moves], -1)
    source = world + shift.astype(np.float32)
    lookup = np.moveaxis(grids.to_voxel(anatomy.t1.affine, source), -1, 0)
    t1 = ndimage.map_coordinates(anatomy.t1.data, lookup, order=1)
    brain = ndimage.map_coordinates(anatomy.tissue.brain.astype(np.float32), lookup, order=1) > 0.5
    scale = np.percentile(t1[brain], 99)
    bias = 1 + 0.1 * np.sin(world[..., 0] / 60) * np.cos(world[..., 1] / 70)
    scan = 900 * (np.clip(t1 / scale, 0, None) ** 1.2) * bias
    level = float(np.percentile(scan[brain], 80))
    middle = grids.to_world(affine, np.argwhere(brain).mean(0)) + centre
    away = np.linalg.norm(world - middle.astype(np.float32), axis=-1)
    tumour = brain & (away <= radius)
    if ring:
        scan = np.where(tumour, np.where(away > 0.8 * radius, 1.7, 0.25) * level, scan)
    scan = np.where(brain, np.clip(scan + rng.normal(scale=0.02 * level, size=shape), 1, None), 0).astype(np.float32)
    move = np.eye(4)
    for axis, angle in enumerate(np.deg2rad(TURN)):
        c, s, (i, j) = np.cos(angle), np.sin(angle), [k for k in range(3) if k != axis]
        turn = np.eye(4)
        turn[[i, i, j, j], [i, j, i, j]] = c, -s, s, c
        move = turn @ move
    move[:3, 3] = SHIFT
    return Known(Volume(scan, move @ affine), brain, tumour, source)
