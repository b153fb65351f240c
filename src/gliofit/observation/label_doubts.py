"""Whether the numbers of a segmentation can mean what a labelling says: its parts lie where such parts lie."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.observation.labels import CAVITY, EDEMA, LABELLINGS, in_words, labelling, numbers, parts, relabel, values

OUTER = 0.35
"""
Edema makes at least this share of the tumour's surface, or the labels are doubtful. On the six shared patients it makes
0.61 to 0.95, on segmentations read by the labelling of another tool 0.04 to 0.06.
"""


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


def outer_share(meaning: Array) -> float:
    """Share of the tumour's voxels with a neighbour outside that are edema; the cavity counts as neither."""
    box = ndimage.find_objects((meaning > 0).astype(np.uint8))
    if not box:
        return float("nan")
    meaning = meaning[box[0]]
    inside = np.pad(meaning > 0, 1)
    surface = (inside & ~ndimage.binary_erosion(inside))[1:-1, 1:-1, 1:-1] & (meaning != CAVITY)
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
