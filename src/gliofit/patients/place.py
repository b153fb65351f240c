"""Whether a patient's images can be where, and as large, as their headers say: sentences on what cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array

BRAIN_ML = (900.0, 2100.0)
"""Brains of another volume deserve a look; the shared patients' have 1346 to 1896 ml."""

SPREAD_MM = {"from left to right": 32.5, "from front to back": 38.0, "from top to bottom": 30.0}
"""
Standard deviation of a brain's voxels along the world's axes. The shared patients' are 29.5 to 33.8, 35.6 to 40.7 and
28.8 to 31.6 mm, SRI24's 33.8, 38.4 and 30.4.
"""

SCALE = (0.8, 1.25)
"""Of the above: what a lost or wrong voxel edge exceeds, and no shared patient (0.91 to 1.07)."""

LONGEST = 1.05
"""A brain is longer from front to back than along the other axes by at least this (1.12 to 1.31 in the shared ones)."""

BRIGHT_EDEMA = 1.1
"""
Mean FLAIR in edema over the brain's median: 1.19 to 2.22 in the shared patients, 0.89 to 1.06 with the segmentation
mirrored.
"""

BETTER_MIRRORED = 1.15
"""Without FLAIR: T1c in enhancing tumour, mirrored over as it is: 0.61 to 0.97 in shared patients, 1.6 mirrored."""

FLAT = 0.65
"""
Share of the brain's surface within `DISC_MM` of the tumour that lies in one plane: on the shared patients at most 0.52,
where a field of view was cut through the tumour, straight or aslant, 0.75 to 1.
"""

DISC_MM, CURVED = 20.0, 4.0
"""
Radius of that surface: the larger, the coarser the voxels, so that a brain's own curvature (70 mm) leaves a plane by
four times the tolerance.
"""

CONTACT_MM2 = 150.0
"""A tumour that meets the surface in less is not looked at."""

OUTSIDE = 0.01
"""Of the tumour, outside the brain: more is said."""


def size(source: Path | None, brain: Array, affine: Array) -> list[str]:
    """Whether a brain has the size and the proportions of one."""
    millilitres = float(brain.sum()) * float(np.prod(grids.spacing_of(affine))) / 1000
    edges = " × ".join(f"{edge:.3g}" for edge in grids.spacing_of(affine))
    spread = _spread(brain, affine)
    ratio = spread / np.array(list(SPREAD_MM.values()))
    doubtful = [
        f"its extent {name} is {value:.2g} times that of an adult's"
        for name, value in zip(SPREAD_MM, ratio, strict=True)
        if not SCALE[0] <= value <= SCALE[1]
    ]
    if not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1]:
        doubtful.append(f"it has {millilitres:.0f} ml")
    if doubtful:
        return [
            f"{source}: the brain is of an unusual size: {', '.join(doubtful)}; are the voxel edges "
            f"right ({edges} mm), and is the field of view whole?"
        ]
    if spread[1] < LONGEST * max(spread[0], spread[2]):
        return [
            f"{source}: the brain is not longest from front to back: are the axes in the header those of the image? "
            "Check the orientation in the pictures"
        ]
    return []


def _spread(mask: Array, affine: Array) -> Array:
    """Standard deviation (3,) of a mask's places along the world's axes, mm: by its sums, not voxel by voxel."""
    mask = mask[grids.box_of(mask)]
    number = np.count_nonzero(mask)
    sides = [np.arange(n) - n / 2 for n in mask.shape]
    moments = np.zeros((3, 3))
    means = np.zeros(3)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        plane = mask.sum(3 - i - j)
        plane = plane if i < j else plane.T
        moments[i, j] = moments[j, i] = sides[i] @ plane @ sides[j] / number
        moments[i, i] = sides[i] ** 2 @ plane.sum(1) / number
        means[i] = sides[i] @ plane.sum(1) / number
    axes = np.asarray(affine)[:3, :3]
    return np.sqrt(np.diag(axes @ (moments - np.outer(means, means)) @ axes.T))


def mirrored(
    source: Path | None, images: dict[str, Array], labels: dict[str, Array], brain: Array, affine: Array
) -> list[str]:
    """
    Whether a segmentation lies where the scan shows the tumour.

    Parameters
    ----------
    source : path
        Of the segmentation.
    images : dict of ndarray [x, y, z]
        With the columns flair or t1c.
    labels : dict of ndarray of bool [x, y, z]
        Parts "edema" and "enhancing".
    brain : ndarray of bool [x, y, z]
    affine : ndarray (4, 4)
    """
    name, part = ("flair", "edema") if "flair" in images and labels["edema"].any() else ("t1c", "enhancing")
    if name not in images or not labels[part].any():
        return []
    image = images[name]
    usual = float(np.median(image[brain & ~labels["edema"] & ~labels["enhancing"]]))
    if not usual > 0 or image.min() < -0.05 * usual:
        return []  # of normalised intensities, a ratio says nothing
    own = float(image[labels[part]].mean()) / usual
    others = {
        axis: float(image[flipped].mean()) / usual
        for axis, flipped in ((axis, np.flip(labels[part], axis) & brain) for axis in range(3))
        if flipped.any()
    }
    axis = max(others, key=lambda one: others[one], default=0)
    better = others.get(axis, 0.0) > BETTER_MIRRORED * own
    if (name == "flair" and own >= BRIGHT_EDEMA) or (name == "t1c" and not better):
        return []
    where = f"where the segmentation has {'edema' if part == 'edema' else 'enhancing tumour'}"
    words = (
        f"{source}: the {'FLAIR' if name == 'flair' else 'T1c'} is not bright {where} ({own:.2f} of the brain's median)"
    )
    if better:
        ways = ("left and right", "front and back", "top and bottom")
        way = ways[int(np.abs(affine[:3, axis] / grids.spacing_of(affine)[axis]).argmax())]
        words += f", but where its mirror image has it ({others[axis]:.2f}, {way} exchanged)"
    return [f"{words}: does the segmentation belong to this scan and header? Look at its outlines in the pictures"]


def outside(source: Path | None, whole: Array, brain: Array) -> list[str]:
    """How much of the segmentation lies outside the brain."""
    share = float((whole & ~brain).sum() / whole.sum())
    return [f"{source}: {share:.1%} of the tumour lies outside the brain and is left out"] if share > OUTSIDE else []


def cut_off(source: Path | None, whole: Array, brain: Array, affine: Array) -> list[str]:
    """
    Whether the scan's field of view ends within the tumour: the brain's surface is a plane where the tumour meets it.

    Parameters
    ----------
    source : path
        Of what the brain was told from.
    whole, brain : ndarray of bool [x, y, z]
    affine : ndarray (4, 4)
    """
    spacing = grids.spacing_of(affine)
    tolerance = 0.75 * float(spacing.max())
    radius = max(DISC_MM, float(np.sqrt(2 * 70 * CURVED * tolerance)))
    reach = np.ceil((radius + 3) / spacing).astype(int)
    box = grids.box_of(whole, reach)
    # where the grid ends, so does the brain; where only this box ends, it goes on
    mask = np.pad(brain, 1)[tuple(slice(s.start, s.stop + 2) for s in box)]
    near = np.pad(whole, 1)[tuple(slice(s.start, s.stop + 2) for s in box)]
    surface = mask & ~ndimage.binary_erosion(mask, border_value=1)
    near = ndimage.distance_transform_edt(~near, sampling=spacing) <= max(2.0, spacing.max())
    patches, number = ndimage.label(surface & near, np.ones((3, 3, 3)))
    if not number:
        return []
    face = float(np.prod(spacing)) ** (2 / 3)
    points = np.argwhere(surface) * spacing
    sizes = np.bincount(patches.ravel())[1:] * face
    for patch in np.argsort(-sizes)[:3]:
        if sizes[patch] < CONTACT_MM2:
            break
        own = np.argwhere(patches == patch + 1) * spacing
        centre = own[((own - own.mean(0)) ** 2).sum(1).argmin()]
        disc = points[((points - centre) ** 2).sum(1) < radius**2]
        share = in_one_plane(disc, tolerance)
        if share >= FLAT:
            return [
                f"{source}: the brain ends in a plane where the tumour meets it ({sizes[patch] / 100:.0f} cm²): the "
                "field of view seems to be cut there, and what lies beyond is not known; outlines and plans end at it"
            ]
    return []


def in_one_plane(points: Array, tolerance: float, draws: int = 300) -> float:
    """Largest share of points (n, 3) within `tolerance` of a plane through three of them."""
    if len(points) < 3:
        return 0.0
    rng = np.random.default_rng(0)
    best = 0.0
    for _ in range(draws):
        a, b, c = points[rng.integers(len(points), size=3)]
        normal = np.cross(b - a, c - a)
        length = float(np.linalg.norm(normal))
        if length > 50:  # mm², or three points say little of a plane
            best = max(best, float((np.abs((points - a) @ (normal / length)) < tolerance).mean()))
    return best
