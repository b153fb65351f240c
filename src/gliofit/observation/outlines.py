"""Densities that outlines could have come from."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.growth.ranges import START_MU
from gliofit.observation.thresholds import START


def density_from_segmentation(
    core: Array,
    whole: Array,
    tissue: Tissue,
    threshold_core: float = START.core,
    threshold_whole: float = START.whole,
    distances: tuple[Array, Array] | None = None,
) -> Array:
    """
    A density that the segmentations could have come from.

    A growing front has a logistic profile, so logit c falls linearly with distance. It is pinned to the thresholds
    at the two outlines, interpolated between them by the distances to each, and continued inwards and outwards with
    the mean slope between them. On simulated tumours with random thresholds (`FITTED`) its squared error
    is 0.4 times that of the staircase 0.65·core + 0.25·(whole − core).

    Parameters
    ----------
    core, whole : ndarray [x, y, z]
        Labelled fraction of each voxel. Without a core, c stays below its threshold and the slope is that of a front
        with the training set's mean μ.
    tissue : Tissue
        On the same grid; the density is 0 outside its mask.
    threshold_core, threshold_whole : float
    distances : tuple of ndarray, optional
        `outside`, where it is known.

    Returns
    -------
    ndarray [x, y, z], float32
    """
    top, foot = _logit(threshold_core), _logit(threshold_whole)
    outside_core, outside_whole = distances or outside(core, whole, tissue.spacing)
    if not core.any():
        slope = START_MU[1] / START_MU[0]
        logit = np.minimum(foot - slope * outside_whole, top)
    else:
        rim = (outside_whole < 0) & (outside_core > 0)
        gap = np.maximum(outside_core - outside_whole, tissue.spacing.min())
        width = gap[rim].mean() if rim.any() else tissue.spacing.min()
        slope = (top - foot) / width
        logit = np.where(
            outside_whole >= 0,
            foot - slope * outside_whole,
            np.where(outside_core <= 0, top - slope * outside_core, top - (top - foot) * outside_core / gap),
        )
    return (tissue.mask / (1 + np.exp(-logit))).astype(np.float32)


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def outside(core: Array, whole: Array, spacing: Array) -> tuple[Array, Array]:
    """Signed distances to the outlines of core and whole tumour; without a core, the first means nothing."""
    far = signed_distance(whole, spacing)
    return signed_distance(core, spacing) if core.any() else far, far


def signed_distance(fraction: Array, spacing: Array) -> Array:
    """
    Distance in mm to the outline of `fraction` ≥ ½ (or half its maximum, if lower), negative inside.

    Parameters
    ----------
    fraction : ndarray [x, y, z]
        Labelled fraction of each voxel.
    spacing : ndarray (3,)
        mm.
    """
    inside = fraction >= min(0.5, float(fraction.max()) / 2)
    half = spacing.mean() / 2  # from a voxel's centre to the face between the regions
    distance = ndimage.distance_transform_edt(~inside, sampling=spacing) - half
    box = grids.box_of(inside, 1)  # the nearest voxel outside is in it
    deep = ndimage.distance_transform_edt(inside[box], sampling=spacing)
    distance[box] = np.where(inside[box], half - deep, distance[box])
    return distance
