"""Where a likelihood looks: voxels within a ball about the visible tumour, all of them or every few."""

from __future__ import annotations

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.observation.observation import Observation
from gliofit.observation.segmentation import SegmentationTarget


def extent(tissue: Tissue, target: Observation) -> tuple[Array, float]:
    """
    Centre (mm) and radius (mm) of the ball that the likelihood looks at.

    As in the paper's code, twice the radius of a ball of the visible tumour's volume, about its centre of mass; at
    least 20 mm more than that radius, and 10 mm beyond its farthest voxel.

    Raises
    ------
    InputError
        If nothing is visible.
    """
    outlined = target.outlined
    shown, level = target.parts[0].visible, 0.05
    if isinstance(outlined, SegmentationTarget):
        shown, level = outlined.whole, 0.5
    seen = (shown > 0) & (shown >= min(level, 0.5 * float(shown.max())))
    if not seen.any():
        raise InputError("the segmentation is empty: there is no tumour to look at")
    centre = tissue.centre_of_mass(seen.astype(np.float32))
    radius = (3 * seen.sum() * float(np.prod(tissue.spacing)) / 4 / np.pi) ** (1 / 3)
    farthest = float(np.sqrt(((tissue.to_world(np.argwhere(seen)) - centre) ** 2).sum(1).max()))
    return centre, float(max(2 * radius, radius + 20, farthest + 10))


def within(tissue: Tissue, centre: Array, radius: float) -> Array:
    """Voxels within `radius` mm of `centre`, bool [x, y, z]."""
    axes = np.meshgrid(*(np.arange(n) for n in tissue.shape), indexing="ij", sparse=True)
    middle = tissue.to_voxel(centre)
    return sum(((a - m) * h) ** 2 for a, m, h in zip(axes, middle, tissue.spacing, strict=True)) <= radius**2


def every(mask: Array, steps: Array) -> Array:
    """Of a mask, every n-th voxel along each axis."""
    found = np.zeros_like(mask)
    places = tuple(slice(int(n) // 2, None, int(n)) for n in steps)
    found[places] = mask[places]
    return found
