"""A patient's segmentation: what its numbers mean, and whether they can mean that."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gliofit.base.arrays import Array
from gliofit.observation.label_doubts import doubts, shape_doubts
from gliofit.observation.labels import (
    CAVITY,
    EDEMA,
    ENHANCING,
    LABELLINGS,
    NECROTIC,
    labelling,
    numbers,
    parts,
    relabel,
    values,
)

__all__ = ["CAVITY", "EDEMA", "ENHANCING", "LABELLINGS", "NECROTIC"]
__all__ += ["doubts", "labelling", "numbers", "parts", "relabel", "shape_doubts"]


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
