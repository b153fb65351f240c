"""What a plan consists of: volumes with a name and a colour that a planner can tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.nifti import load_volume

LONGEST = 16
"""Characters of a structure's name that every planning system takes (AAPM TG-263)."""

GTV_COLOUR, STANDARD_COLOUR = (255, 0, 0), (255, 214, 0)

COLOURS = ((0, 158, 255), (0, 200, 83), (213, 0, 249), (255, 109, 0), (0, 229, 255), (174, 234, 0), (141, 110, 99))
"""Of methods, in their order; RGB."""


@dataclass(frozen=True, eq=False)
class Structure:
    """
    A volume of a plan.

    Parameters
    ----------
    name : str
        16 characters at most, none twice.
    kind : "GTV" or "CTV"
    mask : ndarray of bool [x, y, z]
    colour : tuple of int
        RGB.
    about : str
        What it is, in a sentence.
    file : str
        The NIfTI that it was taken from, below the patient's results.
    at_least : float
        Where that has this value and more.
    """

    name: str
    kind: Literal["GTV", "CTV"]
    mask: Array
    colour: tuple[int, int, int]
    about: str
    file: str = ""
    at_least: float = 1.0


def structures(
    results: str | Path, methods: Iterable[str], levels: Iterable[float], margin_mm: float
) -> list[Structure]:
    """
    GTV, the standard CTV, and of each method the CTV of the same volume and its isodensities.

    Structures without a voxel are left out: a planner refuses them.

    Parameters
    ----------
    results : path
        `results/{patient}`, with the patient prepared, all densities, and all plans.
    methods : iterable of str
    levels : iterable of float
        Cell densities, relative to the most that tissue holds.
    margin_mm : float
        Of the standard plan.
    """
    core, standard = "prepared/core.nii.gz", "plans/standard.nii.gz"
    gross, what = (core, "tumour core") if _mask(results, core, 1).any() else ("prepared/whole.nii.gz", "whole tumour")
    wanted: list[tuple] = [
        ("GTV", "GTV", GTV_COLOUR, f"{what} of the segmentation", gross, 1.0),
        ("CTV_standard", "CTV", STANDARD_COLOUR, f"GTV and {margin_mm:g} mm around it, in the brain", standard, 1.0),
    ]
    for number, method in enumerate(methods):
        colour = COLOURS[number % len(COLOURS)]
        about = f"where {method} finds most tumour cells; the volume of CTV_standard"
        wanted.append((_name("CTV", method), "CTV", colour, about, f"plans/{method}.nii.gz", 1.0))
        for level in sorted(levels):
            about = f"cell density of {level:g} and more by {method}; 1 is the most that tissue holds"
            name, pale = _name(f"ISO{100 * level:g}", method), _paler(colour, level)
            wanted.append((name, "CTV", pale, about, f"{method}.nii.gz", level))
    found = [
        Structure(name, kind, _mask(results, file, at_least), colour, about, file, at_least)
        for name, kind, colour, about, file, at_least in wanted
    ]
    return _named_apart([s for s in found if s.mask.any()])


def _mask(results: str | Path, file: str, at_least: float) -> Array:
    return load_volume(Path(results) / file).data >= np.float32(at_least)


def _name(prefix: str, method: str) -> str:
    """A name that fits: the method's longest words are cut, a letter at a time."""
    words = method.split("_")
    while len("_".join([prefix, *words])) > LONGEST and max(map(len, words)) > 1:
        longest = max(range(len(words)), key=lambda n: (len(words[n]), n))
        words[longest] = words[longest][:-1]
    return "_".join([prefix, *words])


def _paler(colour: tuple[int, int, int], level: float) -> tuple[int, int, int]:
    """A colour mixed with white, the more the lower the level."""
    share = 0.6 * (1 - level)
    return tuple(round(c + (255 - c) * share) for c in colour)  # type: ignore[return-value]


def _named_apart(found: list[Structure]) -> list[Structure]:
    """Names of 16 characters at most; of those that are then the same, the later ones end in a number."""
    names: list[str] = []
    for structure in found:
        name, number = structure.name[:LONGEST], 2
        while name in names:
            end = f"_{number}"
            name, number = structure.name[: LONGEST - len(end)] + end, number + 1
        names.append(name)
    return [replace(s, name=name) for s, name in zip(found, names, strict=True)]
