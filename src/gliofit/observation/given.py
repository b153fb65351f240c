"""An observation from what a caller has, refused where it cannot be one."""

from __future__ import annotations

from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.given import given_array
from gliofit.base.grids import to_world
from gliofit.observation.density import DensityTarget
from gliofit.observation.segmentation import SegmentationTarget

OVER = 1e-3
"""How far a density may lie outside [0, 1], as interpolation leaves it."""

RANGES = {"density": (0.0, 1.0), "core": (0.0, 1.0), "whole": (0.0, 1.0), "region": (0.0, 1.0), "pet": (-0.5, 2.0)}
"""
Arrays of observations and what their values lie between.

Uptake is relative to its largest, or a high percentile; noise takes some of it below 0.
"""

LEVELS = 4
"""A density has more different values than this; a mask or label map does not, whatever it was divided by."""

LEAST = 1e-3
"""Of a density's largest value: below, nothing would be seen on any scan."""

OUTSIDE = 0.5
"""Share of a tumour outside the tissue's head that is no tumour in it."""

APART = 0.05
"""Share of a core that may lie outside its whole tumour."""

HEAD_MM = 19.0
"""No head is smaller; in cm, none is larger."""

PLACE = 0.1
"""Voxels that an image's grid may be away from the tissue's."""


def density_of(value: Any, name: str = "the density") -> tuple[Array, Array | None]:
    """
    A tumour-cell density, float32 [x, y, z] in [0, 1], and its affine if it says one.

    Raises
    ------
    InputError
        On values outside [0, 1], a mask or a label map, an empty tumour, and what `given_array` refuses.
    """
    data, affine = given_array(value, name)
    low, high = float(data.min()), float(data.max())
    whole = bool((data == np.rint(data)).all()) if data.dtype.kind == "f" else True
    few = _few_levels(data)
    if high == 0 and low == 0:
        raise InputError(f"{name} is zero everywhere: the tumour is empty")
    if whole and low >= 0 and high <= 255:
        what = "a mask (0 and 1)" if high == 1 else f"a map of whole numbers to {high:.0f}"
        raise InputError(
            f"{name} is {what}, not a density: give a segmentation as SegmentationTarget.from_labels(labels), or as "
            "SegmentationTarget(core, whole)"
        )
    if few and low >= 0 and high < 1:
        raise InputError(
            f"{name} has only {few} different values beside 0, as a mask or a label map that was divided by a number: "
            "give a segmentation as SegmentationTarget.from_labels(labels)"
        )
    if 0 < high < LEAST:
        raise InputError(f"{name} is {high:.3g} at most; it is 1 where tissue is full of tumour: was it scaled?")
    if low < -OVER or high > 1 + OVER:
        scale = "; is it in percent?" if 1 < high <= 100 else "; was it stored in 8 bits?" if 100 < high <= 255 else ""
        raise InputError(f"{name} has values from {low:.3g} to {high:.3g}; a density lies in [0, 1]{scale}")
    return np.ascontiguousarray(data, np.float32).clip(0, 1), affine


def _few_levels(data: Array) -> int:
    """How many different values other than 0 many voxels have, if they are few; 0 otherwise."""
    some = data[data != 0]
    for part in (some[:: max(1, some.size // 1000)], some):  # a density shows itself at once
        levels = len(np.unique(part))
        if levels > LEVELS or some.size < 100:
            return 0
    return levels


def as_observation(target: Any, tissue: Tissue) -> Any:
    """
    What `invert` is given, as an observation on the tissue's grid.

    Parameters
    ----------
    target : observation, array_like, torch tensor on the CPU, nibabel image or path
        All but the first are taken as the density itself.
    tissue : Tissue

    Raises
    ------
    InputError
        If the values are no density, or the grid is not the tissue's.
    """
    if not isinstance(tissue, Tissue):
        raise InputError(f"tissue is {type(tissue).__name__}, not a Tissue (Tissue.from_nifti reads three maps)")
    if not hasattr(target, "residuals"):
        density, affine = density_of(target)
        if affine is not None:
            check_grid(affine, tissue, "the density")
        target = DensityTarget(density)
    elif isinstance(target, DensityTarget):
        target = DensityTarget(density_of(target.density)[0])
    if tuple(target.shape) != tissue.shape:
        raise InputError(f"the target has shape {tuple(target.shape)}, the tissue {tissue.shape}")
    for name, data in ((name, data) for part in target.parts for name, data in part.arrays().items()):
        if not np.isfinite(data).all():
            raise InputError(f"{name} of the target holds values that are not finite (NaN or infinite)")
        least, most = RANGES.get(name, (-np.inf, np.inf))
        if not (data.min() >= least - OVER and data.max() <= most + OVER):
            what = "uptake is divided by its largest" if name == "pet" else "fractions lie in [0, 1]"
            raise InputError(f"{name} of the target has values from {data.min():.3g} to {data.max():.3g}; {what}")
    for part in target.parts:
        _check_outlines(part, tissue)
    visible = target.visible
    if not visible.any():
        raise InputError("the tumour is empty: its centre of mass is undefined")
    _check_head(tissue)
    outside = float(visible[~tissue.brain].sum(dtype=np.float64) / visible.sum(dtype=np.float64))
    if outside > OUTSIDE:
        raise InputError(
            f"{outside:.0%} of the tumour lies where the tissue maps have neither tissue nor CSF: do the two belong "
            "together, and are their axes in the same order?"
        )
    return target


def _check_outlines(part: Any, tissue: Tissue) -> None:
    """A core is part of its whole tumour, and their image lies on the tissue's grid."""
    if not isinstance(part, SegmentationTarget):
        return
    if part.affine is not None:
        check_grid(part.affine, tissue, "the segmentation")
    beyond = float(np.maximum(part.core - part.whole, 0).sum(dtype=np.float64))
    if beyond > APART * float(part.core.sum(dtype=np.float64)):
        raise InputError(
            "the core of the target is no part of its whole tumour; SegmentationTarget(core, whole) is the order"
        )


def _check_head(tissue: Tissue) -> None:
    """Raise an InputError if the tissue's head is so small that it must be in cm."""
    if not tissue.brain.any():
        raise InputError("the tissue maps are empty")
    places = [np.flatnonzero(tissue.brain.any(tuple(b for b in range(3) if b != axis))) for axis in range(3)]
    size = max(float((p[-1] - p[0] + 1) * edge) for p, edge in zip(places, tissue.spacing, strict=True))
    if size < HEAD_MM:
        raise InputError(f"the tissue's head is {size:.3g} mm long; is its affine in cm? It is in mm")


def check_grid(affine: Array, tissue: Tissue, name: str) -> None:
    """Raise an InputError if an image's affine does not put its corners where the tissue's are."""
    corners = np.array(np.meshgrid(*([0, n - 1] for n in tissue.shape), indexing="ij")).reshape(3, -1).T
    apart = float(np.abs(to_world(affine, corners) - tissue.to_world(corners)).max())
    if apart > PLACE * tissue.spacing.min():
        raise InputError(
            f"{name} is an image on another grid than the tissue: its affine puts voxels up to {apart:.3g} mm away"
        )
