"""Numbers of a segmentation and what they stand for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.grids import box_of

NECROTIC, EDEMA, ENHANCING, CAVITY = 1, 2, 3, 4
"""Labels as everything after this module has them (BraTS 2023); CAVITY is what a resection left: no tissue."""

WORDS = {
    "necrotic": NECROTIC,
    "necrosis": NECROTIC,
    "edema": EDEMA,
    "oedema": EDEMA,
    "enhancing": ENHANCING,
    "core": ENHANCING,
    "cavity": CAVITY,
    "ignore": 0,
}
"""What a spelled-out labelling may call a number; "core" is tumour core of any kind, "ignore" no part of the tumour."""

MEANING = {NECROTIC: "necrosis", EDEMA: "edema", ENHANCING: "enhancing tumour", CAVITY: "resection cavity"}

_UNTIL_2021 = {1: NECROTIC, 2: EDEMA, 4: ENHANCING}
_SINCE_2023 = {1: NECROTIC, 2: EDEMA, 3: ENHANCING}
_POST_TREATMENT = {1: NECROTIC, 2: EDEMA, 3: ENHANCING, 4: CAVITY}

LABELLINGS: dict[str, dict[int, int]] = {
    "brats": {1: NECROTIC, 2: EDEMA, 3: ENHANCING, 4: ENHANCING},
    **{f"brats{year}": _UNTIL_2021 for year in (2018, 2019, 2020, 2021)},
    "brats2023": _SINCE_2023,
    "brats2024": _POST_TREATMENT,
    "brats2025": _POST_TREATMENT,
    "brats_ped": {1: ENHANCING, 2: NECROTIC, 3: NECROTIC, 4: EDEMA},
    "hd_glio": {1: EDEMA, 2: ENHANCING},
    "nnunet_task01": {1: EDEMA, 2: NECROTIC, 3: ENHANCING},
    "ucsf_pdgm": _UNTIL_2021,
    "upenn_gbm": _UNTIL_2021,
    "captk": _UNTIL_2021,
    "lumiere": _SINCE_2023,
    "gliodil": {1: ENHANCING, 3: EDEMA, 4: NECROTIC},
    "gliomasolver": {1: ENHANCING, 2: ENHANCING, 4: NECROTIC},
}
"""
Labellings by name: number → meaning.

"brats" is BraTS of a year that is not said: enhancing tumour is 4 (until 2021) or 3 (since 2023), never both; since
2024 the 4 of post-treatment cases is the resection cavity. BraTS-PED (2024 on) has 1 enhancing, 2 non-enhancing,
3 cystic and 4 edema. HD-GLIO and the Medical Segmentation Decathlon (Task01) begin with edema. GliODIL's data has 1, 3
and 4.
GliomaSolver's example (tumT1c) comes without a key: 1 is a rim that takes up FET, 4 what it encloses, 2 eleven voxels
within the rim.
"""

WHOLE_NUMBER = 1e-3
"""How far a label may be from a whole number: files with a scaling slope give 4.00006 for 4."""


def labelling(text: str) -> dict[int, int]:
    """
    Number → meaning, of a labelling by name or spelled out.

    Parameters
    ----------
    text : str
        A name of `LABELLINGS`, or pairs such as "edema=1,core=2" with the words of `WORDS`. A word may come twice, a
        number once.

    Raises
    ------
    InputError
        If it is neither.
    """
    if not isinstance(text, str):
        raise InputError(
            f"labels are {type(text).__name__} and not text; a name such as brats2024, or spelled out: edema=1,core=2"
        )
    if text in LABELLINGS:
        return LABELLINGS[text]
    if "=" not in text:
        raise InputError(
            f"unknown labels '{text}'; choose {', '.join(LABELLINGS)}, or spell them out as in edema=1,core=2"
        )
    table: dict[int, int] = {}
    for pair in text.split(","):
        word, _, number = (part.strip().lower() for part in pair.partition("="))
        if word not in WORDS:
            raise InputError(f"labels '{text}': '{word}' is none of {', '.join(WORDS)}")
        if not number.isdecimal() or not 0 < int(number) <= 255:
            raise InputError(f"labels '{text}': '{number}' is not a whole number from 1 to 255")
        if int(number) in table:
            raise InputError(f"labels '{text}': the number {number} is there twice")
        table[int(number)] = WORDS[word]
    if not set(table.values()) - {0, CAVITY}:
        raise InputError(f"labels '{text}': name at least one part of the tumour (edema, core, enhancing, necrotic)")
    return table


def numbers(seg: Array, source: object = "the segmentation") -> Array:
    """
    A segmentation as whole numbers, uint8 [x, y, z]; InputError naming `source` if it holds anything else.

    Values within 1e-3 of a whole number are rounded.
    """
    seg = np.asarray(seg)
    if seg.dtype == np.uint8:
        return seg
    if seg.dtype == bool:
        return seg.astype(np.uint8)
    if seg.dtype.kind not in "iuf":
        raise InputError(f"{source}: holds {seg.dtype} and no numbers; it is no segmentation")
    found, marked = np.zeros_like(seg, np.uint8), seg != 0
    if not marked.any():
        return found
    box = box_of(marked)
    seg = seg[box]
    if not np.isfinite(seg).all():
        raise InputError(f"{source}: holds values that are not finite (NaN or infinite)")
    if seg.dtype.kind == "f":
        rounded = np.rint(seg)
        if (np.abs(seg - rounded) > WHOLE_NUMBER).any():
            raise InputError(f"{source}: holds values that are not whole numbers; it is no segmentation")
        seg = rounded
    low, high = seg.min(initial=0), seg.max(initial=0)
    if low < 0 or high > 255:
        raise InputError(f"{source}: unknown label {int(low if low < 0 else high)}; labels are whole numbers to 255")
    found[box] = seg
    return found


def relabel(seg: Array, labels: str = "brats", source: object = "the segmentation") -> Array:
    """
    A segmentation in this module's labels.

    Parameters
    ----------
    seg : ndarray [x, y, z]
        In the numbers of `labels`.
    labels : str
        See `labelling`.
    source : path or str
        Named in the error.

    Returns
    -------
    ndarray [x, y, z], uint8
        1 necrotic core, 2 edema, 3 enhancing core, 4 resection cavity.

    Raises
    ------
    InputError
        On values that are no labels, labels that are not those of `labels`, or numbers of which "brats" cannot tell
        what they mean.
    """
    known = labelling(labels)
    seg = numbers(seg, source)
    found = values(seg)
    unknown = sorted(found - set(known))
    if unknown:
        raise InputError(
            f"{source}: unknown label {unknown[0]}; labels '{labels}' has 0, {', '.join(map(str, sorted(known)))}"
        )
    if labels == "brats" and {3, 4} <= found:
        raise InputError(
            f"{source}: has labels 3 and 4, of which BraTS until 2023 uses only one; say which labelling it is: "
            "'brats2024' (4 is the resection cavity), 'brats_ped' (4 is edema) or 'gliodil' (4 is necrosis)"
        )
    if labels == "brats" and 4 in found and 1 not in found:
        raise InputError(
            f"{source}: label 4 is enhancing tumour until BraTS 2021 and the resection cavity since BraTS 2024, and "
            "without label 1 its numbers cannot be told apart; say labels 'brats2021' or 'brats2024'"
        )
    table = np.zeros(256, np.uint8)
    table[list(known)] = list(known.values())
    return table[seg]


def values(seg: Array) -> set[int]:
    """The numbers other than 0 in a uint8 array."""
    return set(np.flatnonzero(np.bincount(seg[seg != 0], minlength=1)).tolist())


def parts(labels: Array) -> tuple[Array, Array]:
    """Tumour core (necrotic, enhancing) and whole tumour (with edema) of this module's labels; a cavity is neither."""
    core = (labels == NECROTIC) | (labels == ENHANCING)
    return core, core | (labels == EDEMA)


def in_words(known: Mapping[int, int]) -> str:
    """A labelling for a sentence: "1 necrosis, 2 edema, 3 enhancing tumour"."""
    return ", ".join(f"{number} {MEANING.get(meaning, 'ignored')}" for number, meaning in sorted(known.items()))
