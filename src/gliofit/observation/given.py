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

OVER = 1e-3
"""How far a density may lie outside [0, 1], as interpolation leaves it."""

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
    if high == 0 and low == 0:
        raise InputError(f"{name} is zero everywhere: the tumour is empty")
    if whole and low >= 0 and high <= 255:
        what = "a mask (0 and 1)" if high == 1 else f"a map of whole numbers to {high:.0f}"
        raise InputError(
            f"{name} is {what}, not a density: give a segmentation as SegmentationTarget.from_labels(labels), or as "
            "SegmentationTarget(core, whole)"
        )
    if low < -OVER or high > 1 + OVER:
        scale = "; is it in percent?" if 1 < high <= 100 else "; was it stored in 8 bits?" if 100 < high <= 255 else ""
        raise InputError(f"{name} has values from {low:.3g} to {high:.3g}; a density lies in [0, 1]{scale}")
    return np.ascontiguousarray(data, np.float32).clip(0, 1), affine


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
    if tuple(target.shape) != tissue.shape:
        raise InputError(f"the target has shape {tuple(target.shape)}, the tissue {tissue.shape}")
    for name, data in ((name, data) for part in target.parts for name, data in part.arrays().items()):
        if not np.isfinite(data).all():
            raise InputError(f"{name} of the target holds values that are not finite (NaN or infinite)")
        if name in ("density", "core", "whole") and not (data.min() >= -OVER and data.max() <= 1 + OVER):
            raise InputError(
                f"{name} of the target has values from {data.min():.3g} to {data.max():.3g}; fractions lie in [0, 1]"
            )
    if not target.visible.any():
        raise InputError("the tumour is empty: its centre of mass is undefined")
    return target


def check_grid(affine: Array, tissue: Tissue, name: str) -> None:
    """Raise an InputError if an image's affine does not put its corners where the tissue's are."""
    corners = np.array(np.meshgrid(*([0, n - 1] for n in tissue.shape), indexing="ij")).reshape(3, -1).T
    apart = float(np.abs(to_world(affine, corners) - tissue.to_world(corners)).max())
    if apart > PLACE * tissue.spacing.min():
        raise InputError(
            f"{name} is an image on another grid than the tissue: its affine puts voxels up to {apart:.3g} mm away"
        )
