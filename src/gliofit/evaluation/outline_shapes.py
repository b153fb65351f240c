"""How outlines are shaped: what makes real segmentations hard to explain, in numbers."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array
from gliofit.base.masks import surface
from gliofit.base.overlap import dice

PIECE_ML = 0.05
"""A piece or hole below this is a speck."""

SMOOTHED_MM = 4.0

MARGIN_MM = 16.0

DEFINITIONS = {
    "volume": "ml.",
    "ratio": "Volume of the core over that of the whole tumour.",
    "pieces": f"Pieces of at least {PIECE_ML} ml (26 neighbours).",
    "largest": "Share of the volume in the largest piece.",
    "holes": f"Holes of at least {PIECE_ML} ml within (6 neighbours).",
    "surface": "Area of the surface over that of a ball of the same volume. A digital surface is 3/2 times the smooth "
    "one's on average, which is divided out.",
    "smoothness": f"Dice of the outline with itself smoothed by a Gaussian of {SMOOTHED_MM:g} mm and cut where it has "
    "the same volume: 1 for a ball.",
}


def shape_of(mask: Array, spacing: Array) -> dict[str, float]:
    """
    Measures of one outline, as in `DEFINITIONS`.

    Parameters
    ----------
    mask : ndarray of bool [x, y, z]
    spacing : ndarray (3,)
        mm.

    Returns
    -------
    dict
        NaN for an empty mask, but for its volume.
    """
    names = ("pieces", "largest", "holes", "surface", "smoothness")
    if not mask.any():
        return {"volume": 0.0, **dict.fromkeys(names, float("nan"))}
    index = np.argwhere(mask)
    window = tuple(slice(a, b) for a, b in zip(index.min(0), index.max(0) + 1, strict=True))
    margin = np.ceil(MARGIN_MM / np.asarray(spacing)).astype(int)
    mask = np.pad(mask[window], [(m, m) for m in margin])
    voxel = float(np.prod(spacing))
    sizes = _sizes(mask, np.ones((3, 3, 3)))
    holes = _sizes(ndimage.binary_fill_holes(mask) & ~mask)
    voxels = int(sizes.sum())
    smoothed = ndimage.gaussian_filter(mask.astype(np.float32), SMOOTHED_MM / np.asarray(spacing))
    level = np.partition(smoothed, smoothed.size - voxels, axis=None)[smoothed.size - voxels]
    return {
        "volume": voxels * voxel / 1000,
        "pieces": float((sizes * voxel >= PIECE_ML * 1000).sum()),
        "largest": float(sizes.max() / voxels),
        "holes": float((holes * voxel >= PIECE_ML * 1000).sum()),
        "surface": surface(mask, spacing) / (np.pi ** (1 / 3) * (6 * voxels * voxel) ** (2 / 3)),
        "smoothness": dice(mask, smoothed >= level),
    }


def shapes(core: Array, whole: Array, spacing: Array) -> dict[str, float]:
    """Measures of both outlines, named core_… and whole_…, and their ratio."""
    parts = {"core": shape_of(core, spacing), "whole": shape_of(whole, spacing)}
    found = {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}
    return {"ratio": found["core_volume"] / max(found["whole_volume"], 1e-9), **found}


def _sizes(mask: Array, neighbours: Array | None = None) -> Array:
    """Voxels of each piece."""
    pieces, _ = ndimage.label(mask, neighbours)
    return np.bincount(pieces.ravel())[1:]
