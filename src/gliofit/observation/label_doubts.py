"""Whether the numbers of a segmentation can mean what a labelling says: its parts lie where such parts lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from gliofit.base.arrays import Array
from gliofit.base.masks import eroded, without_holes
from gliofit.observation.labels import CAVITY, EDEMA, LABELLINGS, in_words, labelling, numbers, parts, relabel, values

OUTER = 0.35
"""
Edema makes at least this share of the tumour's surface, or the labels are doubtful. On the six shared patients it makes
0.61 to 0.95, on segmentations read by the labelling of another tool 0.04 to 0.06.
"""


ENCLOSED = 0.03
"""Of the tumour's volume, unmarked voxels that it encloses; 0.0064 at most in the shared patients."""

STRAY_ML, STRAY_MM = 0.1, 15.0
"""
Size and distance of a piece that can be a slip of the brush. In the shared patients no piece of this size is more than
4 mm away from the rest.
"""


LEAST_ML = 0.1
"""A tumour of less says where it is, and no more: a fit needs a front."""

FLAT_MM = 12.0
"""A tumour this wide is not drawn in a single slice, unless the others are forgotten."""


def doubts(seg: Array, meaning: Array, labels: str, source: object) -> list[str]:
    """
    Sentences on a segmentation whose parts lie where they cannot lie.

    Parameters
    ----------
    seg : ndarray [x, y, z]
        As in its file.
    meaning : ndarray of uint8 [x, y, z]
        What is made of it, a mask of the whole tumour included.
    labels : str
    source : path or str
    """
    core, _ = parts(meaning)
    found = values(numbers(seg, source))
    if not core.any():
        return [f"{source}: has no tumour core (no enhancing or necrotic label)"]
    if not (meaning == EDEMA).any():
        only = f"its only label, {min(found)}," if len(found) == 1 else "all of it"
        return [
            f"{source}: has no edema: {only} is taken as tumour core, so that core and whole tumour are the same; "
            "a mask of the whole tumour belongs in the column 'whole'"
        ]
    share = outer_share(meaning)
    if not share < OUTER:
        return []
    fits = _better(seg, found, source)
    hint = f"; by their place they could be labels {' or '.join(fits)}" if fits else ""
    return [
        f"{source}: what is read as edema makes only {share:.0%} of the tumour's outer surface (61–95 % in known "
        f"cases): are these the numbers of another labelling? '{labels}' reads {in_words(labelling(labels))}{hint}"
    ]


def shape_doubts(meaning: Array, spacing: Array | None, source: object, first: Sequence[int] = (0, 0, 0)) -> list[str]:
    """
    Sentences on a tumour with holes, too little of it, a single slice, or small pieces far away from the rest.

    Parameters
    ----------
    meaning : ndarray of uint8 [x, y, z]
    spacing : ndarray (3,), optional
        mm; without it, nothing is said of distances.
    source : path or str
    first : sequence of int (3,)
        Where in its file the first voxel is.
    """
    marked = meaning > 0
    box = ndimage.find_objects(marked.astype(np.uint8))
    if not box:
        return []
    inside = marked[box[0]]
    enclosed = np.count_nonzero(without_holes(inside)) / np.count_nonzero(inside) - 1
    said = []
    if enclosed > ENCLOSED:
        said.append(
            f"{source}: the tumour encloses what is not marked ({enclosed:.0%} of its volume) and counts as healthy: "
            "is its necrosis left out?"
        )
    if spacing is None:
        return said
    said += _too_little(inside, np.asarray(spacing, float), source)
    meaning = meaning[box[0]]
    corner = [side.start + offset for side, offset in zip(box[0], first, strict=True)]
    core, whole = parts(meaning)
    for part, what in ((core, "tumour core"), (whole, "tumour")):
        found = _stray(part, meaning == CAVITY, np.asarray(spacing, float))
        if found:
            number, away, place = found
            place = tuple(int(n + start) for n, start in zip(place, corner, strict=True))
            said.append(
                f"{source}: {number} voxel{'s' if number > 1 else ''} of {what} lie{'' if number > 1 else 's'} "
                f"{away:.0f} mm away from the rest, at voxel {place}: a slip of the brush? A plan takes its margin "
                "around them, too"
            )
            break
    return said


def _too_little(marked: Array, spacing: Array, source: object) -> list[str]:
    """Sentences on a tumour, cut out of its grid, of a few voxels or in one slice."""
    number = int(marked.sum())
    millilitres = number * float(np.prod(spacing)) / 1000
    if millilitres < LEAST_ML:
        return [
            f"{source}: the tumour has only {millilitres:.2g} ml ({number} voxel{'s' if number > 1 else ''}); so small "
            "an outline tells where a tumour is, but not how it grows"
        ]
    extent = np.array(marked.shape) * spacing
    if 1 in marked.shape and extent.max() > FLAT_MM:
        return [
            f"{source}: the tumour is marked in a single slice, {extent.max():.0f} mm wide and {extent.min():.1f} mm "
            "thick: were the other slices left out?"
        ]
    return []


def _stray(part: Array, cavity: Array, spacing: Array) -> tuple[int, float, tuple[int, ...]] | None:
    """Voxels in small pieces that lie far from all larger ones and the cavity, how far, and where the first is."""
    pieces, number = ndimage.label(part, np.ones((3, 3, 3)))
    if number < 2:
        return None
    sizes = np.bincount(pieces.ravel())[1:] * float(np.prod(spacing)) / 1000
    large = sizes > STRAY_ML
    large[sizes.argmax()] = True
    points = np.argwhere(pieces)
    own = pieces[tuple(points.T)]
    rest = np.concatenate([points[large[own - 1]], np.argwhere(cavity)]) * spacing
    small = points[~large[own - 1]]
    if not len(small):
        return None
    away, _ = cKDTree(rest).query(small * spacing)
    nearest = ndimage.minimum(away, own[~large[own - 1]], np.arange(1, number + 1))
    far = np.isin(own[~large[own - 1]], 1 + np.flatnonzero(~large & (nearest >= STRAY_MM)))
    if not far.any():
        return None
    first = small[far][0]
    return int(far.sum()), float(away[far].min()), tuple(int(n) for n in first)


def outer_share(meaning: Array) -> float:
    """Share of the tumour's voxels with a neighbour outside that are edema; the cavity counts as neither."""
    box = ndimage.find_objects((meaning > 0).astype(np.uint8))
    if not box:
        return float("nan")
    meaning = meaning[box[0]]
    inside = np.pad(meaning > 0, 1)
    surface = (inside & ~eroded(inside))[1:-1, 1:-1, 1:-1] & (meaning != CAVITY)
    return float((meaning[surface] == EDEMA).mean()) if surface.any() else float("nan")


def _better(seg: Array, found: set[int], source: object) -> list[str]:
    """Named labellings that have all the numbers and find edema outside; of those that read alike, the first."""
    seen, names = [], []
    for name, known in LABELLINGS.items():
        reading = {number: known.get(number) for number in found}
        if name == "brats" or not found <= set(known) or reading in seen:
            continue
        seen.append(reading)
        if outer_share(relabel(seg, name, source)) >= OUTER:
            names.append(f"'{name}'")
    return names
