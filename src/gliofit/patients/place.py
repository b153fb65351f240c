"""Whether a patient's images can be where, and as large, as their headers say: sentences on what cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.masks import eroded

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

FLAT = 0.8
"""Share of the brain's surface within `DISC_MM` of a place where the tumour meets it that lies in one plane."""

DISC_MM, CURVED = 25.0, 4.0
"""
Radius of that surface: the larger, the coarser the voxels across it, so that a brain's own curvature leaves a plane
by four times the tolerance.
"""

CURVATURE_MM = 100.0
"""Radius of a brain's surface where it is flattest: its last slice, of thickness h, has at most 2πh times this, mm²."""

FACING = 0.05
"""Cosine between a plane's normal and that of a voxel's face that may be a part of it."""

MEETS_MM = 2.0
"""A tumour that comes as close to the brain's surface, or within a voxel of it, meets it."""

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
) -> tuple[list[str], bool]:
    """
    Whether a segmentation lies where the scan shows the tumour, and if not, whether its mirror image lies on edema.

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
        return [], False
    image = images[name]
    usual = float(np.median(image[brain & ~labels["edema"] & ~labels["enhancing"]]))
    if not usual > 0 or image.min() < -0.05 * usual:
        return [], False  # of normalised intensities, a ratio says nothing
    own = float(image[labels[part]].mean()) / usual
    others = {
        axis: float(image[flipped].mean()) / usual
        for axis, flipped in ((axis, np.flip(labels[part], axis) & brain) for axis in range(3))
        if flipped.any()
    }
    axis = max(others, key=lambda one: others[one], default=0)
    better = others.get(axis, 0.0) > BETTER_MIRRORED * own
    if (name == "flair" and own >= BRIGHT_EDEMA) or (name == "t1c" and not better):
        return [], False
    where = f"where the segmentation has {'edema' if part == 'edema' else 'enhancing tumour'}"
    words = (
        f"{source}: the {'FLAIR' if name == 'flair' else 'T1c'} is not bright {where} ({own:.2f} of the brain's median)"
    )
    if better:
        ways = ("left and right", "front and back", "top and bottom")
        way = ways[int(np.abs(affine[:3, axis] / grids.spacing_of(affine)[axis]).argmax())]
        words += f", but where its mirror image has it ({others[axis]:.2f}, {way} exchanged)"
    words += ": does the segmentation belong to this scan and header? Look at its outlines in the pictures"
    return [words], others.get(axis, 0.0) >= BRIGHT_EDEMA


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
    reach = np.ceil((_radius(_tolerance(spacing)) + 3) / spacing).astype(int)
    box = grids.box_of(whole, reach)
    # where the grid ends, so does the brain; where only this box ends, it goes on
    mask = np.pad(brain, 1)[tuple(slice(s.start, s.stop + 2) for s in box)]
    near = np.pad(whole, 1)[tuple(slice(s.start, s.stop + 2) for s in box)]
    near = ndimage.distance_transform_edt(~near, sampling=spacing / np.maximum(MEETS_MM, spacing)) <= 1
    inner = mask & ~eroded(mask, outside=True)
    patches, number = ndimage.label(inner & near, np.ones((3, 3, 3)))
    if not number:
        return []
    surface = _surface(mask, spacing)
    patch = patches[tuple(surface.voxels.T)]
    sizes = np.bincount(patch, surface.areas, number + 1)[1:]
    for own in np.argsort(-sizes)[:3]:
        if sizes[own] < CONTACT_MM2:
            break
        faces = np.flatnonzero(patch == own + 1)
        if surface.in_one_plane(faces, spacing) >= FLAT:
            # steps of an oblique plane are larger than the plane
            return [_cut(source, float(np.linalg.norm(surface.areas[faces] @ surface.outward[faces])))]
    ends = _ends(whole & brain, brain, spacing)
    return [_cut(source, max(ends))] if ends and max(ends) >= CONTACT_MM2 else []


def _ends(whole: Array, brain: Array, spacing: Array) -> list[float]:
    """
    Areas (mm²) of the tumour in first and last slices with more of the brain than the end of a whole one can have.

    Thick slices are too coarse to show a plane along them; but where the image ends, the brain need not.
    """
    areas: list[float] = []
    for axis, thickness in enumerate(spacing):
        pixel = float(np.delete(spacing, axis).prod())
        for end in (0, -1):
            if pixel * np.count_nonzero(brain.take(end, axis)) > 2 * np.pi * CURVATURE_MM * thickness:
                areas.append(pixel * np.count_nonzero(whole.take(end, axis)))
    return areas


def _cut(source: Path | None, area: float) -> str:
    return (
        f"{source}: the brain ends in a plane where the tumour meets it ({area / 100:.0f} cm²): the "
        "field of view seems to be cut there, and what lies beyond is not known; outlines and plans end at it"
    )


def _tolerance(lengths: Array) -> float:
    """How far faces of voxels lie from a plane that cuts them, mm; `lengths` (3,) are a voxel's, along its normal."""
    return 0.5 * float(np.linalg.norm(lengths)) + 0.25


def _radius(tolerance: float) -> float:
    """Of the part of a brain's surface that tells a plane, mm."""
    return max(DISC_MM, float(np.sqrt(2 * CURVATURE_MM * CURVED * tolerance)))


@dataclass(frozen=True)
class _Surface:
    """
    Faces of voxels between a mask and what is outside: `voxels` (n, 3) inside, `points` (n, 3) in their middle, mm,
    `outward` (n, 3) unit vectors, and `areas` (n,), mm².

    Faces, not voxels: of thick slices, a voxel is no point, and a step of the surface as wide as many.
    """

    voxels: Array
    points: Array
    outward: Array
    areas: Array

    def in_one_plane(self, patch: Array, spacing: Array, centres: int = 8, draws: int = 40) -> float:
        """
        Largest share of the surface around a place of a patch that lies in a plane through that place.

        A plane along the slices may be missed by half a slice, one across them by half a pixel; the coarser it is told,
        the more of the surface is looked at.

        Parameters
        ----------
        patch : ndarray of int
            Which faces make it.
        spacing : ndarray (3,)
        centres, draws : int
            Places, spread over the patch, and planes that are tried at each.
        """
        rng = np.random.default_rng(0)
        widest = _radius(_tolerance(spacing))
        best = 0.0
        for centre in self.points[_spread_over(self.points, patch, centres)]:
            away = ((self.points - centre) ** 2).sum(1)
            around = np.flatnonzero(away < widest**2)
            points, outward, areas, away = self.points[around], self.outward[around], self.areas[around], away[around]
            discs = [np.flatnonzero(away < radius**2) for radius in (DISC_MM, widest)]
            for draw in range(draws):
                disc = discs[draw % 2]
                b, c = points[disc[rng.integers(len(disc), size=2)]]
                normal = np.cross(b - centre, c - centre)
                length = float(np.linalg.norm(normal))
                if length < 50:  # mm²: three points say little of a plane
                    continue
                normal /= length
                tolerance = _tolerance(normal * spacing)
                within = away < _radius(tolerance) ** 2
                close = within & (np.abs((points - centre) @ normal) < tolerance)
                facing = outward @ normal
                # what lies in a plane looks to one side of it
                sides = [float(areas[close & (side * facing > FACING)].sum()) for side in (1, -1)]
                best = max(best, max(sides) / float(areas[within].sum()))
        return best


def _spread_over(points: Array, patch: Array, number: int) -> Array:
    """Some of a patch's points, the first near its middle, each of the others as far as can be from those before."""
    own = points[patch]
    away = ((own - own.mean(0)) ** 2).sum(1)
    chosen = [int(away.argmin())]
    away = np.full(len(own), np.inf)
    for _ in range(min(number, len(own)) - 1):
        away = np.minimum(away, ((own - own[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(away.argmax()))
    return patch[chosen]


def _surface(mask: Array, spacing: Array) -> _Surface:
    """The surface of a mask [x, y, z] that does not reach the grid's ends, but for its box's."""
    voxels, outward = [], []
    for axis in range(3):
        for side in (1, -1):
            beyond = np.roll(mask, -side, axis)
            ends = tuple(slice(None) if other != axis else (-1 if side > 0 else 0) for other in range(3))
            beyond[ends] = True
            voxels.append(np.argwhere(mask & ~beyond))
            outward.append(np.broadcast_to(side * np.eye(3)[axis], voxels[-1].shape))
    places, normals = np.concatenate(voxels), np.concatenate(outward)
    areas = np.abs(normals) @ (np.prod(spacing) / spacing)
    return _Surface(places, (places + normals / 2) * spacing, normals, areas)
