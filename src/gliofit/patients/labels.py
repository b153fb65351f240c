"""A patient's segmentation: what its numbers mean, and whether they can mean that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.observation.labels import (
    CAVITY,
    EDEMA,
    ENHANCING,
    LABELLINGS,
    NECROTIC,
    in_words,
    labelling,
    numbers,
    parts,
    relabel,
    values,
)

__all__ = ["CAVITY", "EDEMA", "ENHANCING", "LABELLINGS", "NECROTIC", "labelling", "numbers", "parts", "relabel"]

OUTER = 0.35
"""
Edema makes at least this share of the tumour's surface, or the labels are doubtful. On the six shared patients it makes
0.61 to 0.95, on segmentations read by the labelling of another tool 0.04 to 0.06.
"""


def read_segmentation(seg: Array, labels: str, source: Path | None, warnings: list[str]) -> Array:
    """
    A segmentation in the labels of `gliofit.observation.labels`, with warnings on what is doubtful.

    Parameters
    ----------
    seg : ndarray [x, y, z]
    labels : str
    source : Path
    warnings : list of str
        Gets sentences.

    Returns
    -------
    ndarray of uint8 [x, y, z]
    """
    seg = numbers(seg, source)
    meaning = relabel(seg, labels, source)
    found = values(seg)
    if labels == "brats" and 4 in found:
        warnings.append(
            f"{source}: label 4 is taken as enhancing tumour, as in BraTS until 2021; in BraTS 2024 it is the "
            "resection cavity (labels 'brats2024'); say 'brats2021' if it is enhancing tumour"
        )
    return meaning


def read_recurrence(recurrence: Array, labels: str, source: Path | None = None) -> Array:
    """
    A recurrence in the labels of `gliofit.observation.labels`, the cavity left out.

    One whose only number is 1 is taken as a mask that does not tell parts apart (edema here), unless 1 is enhancing
    tumour in its labelling; so is one whose only number is 255.

    Parameters
    ----------
    recurrence : ndarray [x, y, z]
    labels : str
    source : Path, optional
        Named in the error.
    """
    seg = numbers(recurrence, source or "the recurrence")
    found = values(seg)
    if (found == {1} and labelling(labels).get(1) != ENHANCING) or found == {255}:
        return np.where(seg > 0, np.uint8(EDEMA), np.uint8(0))
    meaning = relabel(seg, labels, source or "the recurrence")
    return np.where(meaning == CAVITY, np.uint8(0), meaning)


def doubts(seg: Array, meaning: Array, labels: str, source: Path | None) -> list[str]:
    """
    Sentences on a segmentation whose parts lie where they cannot lie.

    Parameters
    ----------
    seg : ndarray [x, y, z]
        As in its file.
    meaning : ndarray of uint8 [x, y, z]
        What is made of it, a mask of the whole tumour included.
    labels : str
    source : Path
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


def _better(seg: Array, found: set[int], source: Path | None) -> list[str]:
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


def pet_region(pet: Array, labels: Array) -> Array:
    """
    Where FET-PET counts: enhancing core and edema (GliODIL, Sec. 4.3).

    Where most of that has no uptake at all, zeros are taken as cut away: some data sets keep PET in the core alone.

    Parameters
    ----------
    pet : ndarray [x, y, z]
    labels : ndarray [x, y, z]
        1 necrotic core, 2 edema, 3 enhancing core.

    Returns
    -------
    ndarray of bool [x, y, z]
    """
    region = np.isin(labels, (EDEMA, ENHANCING))
    taken_up = region & (np.asarray(pet) != 0)
    return taken_up if 2 * np.count_nonzero(taken_up) < np.count_nonzero(region) else region
