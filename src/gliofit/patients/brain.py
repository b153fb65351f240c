"""What of a scan is brain: its background, the brain's mask, and whether the skull is still on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.masks import dilated, eroded, without_holes

BRAIN_ML = (200.0, 2600.0)
"""Brain volumes outside of this are no brain, or one with its skull on."""

DIM = 0.1
"""Of the median intensity: what is darker is no brain (some scans have a rim of almost nothing, 36 ml in one case)."""

BOTH_SIDES = 0.05
"""With more of the scan than this below its background, intensities were normalised, and any value can be brain."""

CONSTANT = 0.2
"""With more of the grid than this exactly at its background, and that not 0, someone put it there: see `brain_of`."""

SLIVER = 0.005
"""Of the 99th percentile: what differs less from such a background is what interpolation left."""

DARK_RING = 0.7
"""
Of the brightest shell near the surface: a darker shell beneath it is bone. On the stripped T1 and T1c of the shared
patients no shell is below 0.90 of one above it; in a head with its skull on, the ring is at 0.16.
"""

COARSE_MM = 2.0
"""Every voxel of a finer grid would tell no more."""

SHELLS_MM = (0, 2, 4, 6, 8, 10, 12, 15, 20, 25)


@dataclass(frozen=True)
class Background:
    """
    What surrounds a brain in its scan.

    Parameters
    ----------
    value : float
        The most common value on the faces of the grid.
    share : float
        Of the faces' voxels that have it; little where the background is noise.
    """

    value: float
    share: float


def background_of(scan: Array) -> Background:
    """The background of a scan [x, y, z], told from the faces of its grid."""
    faces = [np.moveaxis(scan, axis, 0)[end].ravel() for axis in range(3) for end in (0, -1)]
    values, number = np.unique(np.concatenate(faces), return_counts=True)
    most = int(number.argmax())
    return Background(float(values[most]), float(number[most] / number.sum()))


def brain_of(scan: Array, spacing: Array, background: float = 0.0) -> Array:
    """
    Brain mask of a skull-stripped scan: the largest piece that stands out from the background, holes filled.

    Parameters
    ----------
    scan : ndarray [x, y, z]
    spacing : ndarray (3,)
        mm.
    background : float
        Value outside the brain. What is above it by more than a tenth of the median counts; where intensities lie on
        both sides of it (z-scores), or where it was put there (the least z-score, −1), whatever differs.
    """
    away = scan - np.float32(background)
    if both_sides(away):
        bright = away != 0
    else:
        away = -away if (away < 0).sum() > (away > 0).sum() else away
        positive = away[away > 0]
        if not positive.size:
            return np.zeros(scan.shape, bool)
        least = DIM * np.median(positive)
        if background != 0 and np.count_nonzero(away == 0) > CONSTANT * away.size:
            least = SLIVER * np.percentile(positive, 99)
        bright = away > least
    box = grids.box_of(bright, 3)  # with room, so that closing and filling see the outside
    piece = np.pad(bright[box], 3)
    if spacing.max() < 1.5:
        piece = dilated(eroded(piece))  # cuts off threads of voxels that resampling leaves
    parts, number = ndimage.label(piece)
    if number > 1:
        piece = parts == 1 + np.bincount(parts.ravel())[1:].argmax()
    piece = without_holes(eroded(dilated(piece, 2), 2))
    brain = np.zeros_like(scan, bool)
    brain[box] = piece[3:-3, 3:-3, 3:-3]
    return brain


def both_sides(away: Array) -> bool:
    """Whether intensities, less their background, lie on both sides of it."""
    below, above = np.count_nonzero(away < 0), np.count_nonzero(away > 0)
    return bool(min(below, above) > BOTH_SIDES * (below + above))


def skull_on(scan: Array, brain: Array, spacing: Array, background: float = 0.0) -> bool:
    """
    Whether a mask is a head: beneath a bright rim, the scalp, lies a dark shell, the bone.

    Parameters
    ----------
    scan : ndarray [x, y, z]
        T1 or T1c.
    brain : ndarray of bool [x, y, z]
        What is taken for brain.
    spacing : ndarray (3,)
        mm.
    background : float
    """
    if not brain.any() or both_sides(scan - np.float32(background)):
        return False  # of z-scores, "darker" has no ratio
    step = tuple(
        slice(side.start, side.stop, max(1, round(COARSE_MM / edge)))
        for side, edge in zip(grids.box_of(brain), spacing, strict=True)
    )
    edges = np.array(spacing) * [s.step for s in step]
    scan, brain = scan[step], brain[step]
    depth = ndimage.distance_transform_edt(np.pad(brain, 1), sampling=edges)[1:-1, 1:-1, 1:-1]
    shells = pairwise(SHELLS_MM)
    medians = [
        float(np.median(np.abs(scan[inside] - background)))
        for low, high in shells
        if (inside := (depth > low) & (depth <= high)).any()
    ]
    brightest = np.maximum.accumulate(medians)
    dark = np.array(medians) < DARK_RING * brightest
    # bone has the brain beneath it, so that the innermost shell is bright again
    return bool(dark[:-1].any() and not dark[-1])
