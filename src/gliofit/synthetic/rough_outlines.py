"""
Outlines as rough as those of real segmentations: an isodensity, displaced by random fields.

Real outlines do not lie where a simulated density crosses a threshold. Edema follows white matter, contrast enhances in
patches, raters and networks err. Here every point of an outline moves by

    R · (share · g(x / R) + affinity · (2 p_WM − 1)) + fine · g′(x),

g and g′ Gaussian random fields of variance 1, R the radius of a ball of the outline's volume. Where that is more than
the distance to the outline, pieces split off, and holes and satellites appear. How much was found by measuring real
segmentations (docs/cohort.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.masks import ball_radius
from gliofit.observation.outlines import signed_distance

REACH_MM = 30.0
"""Nothing further from an outline than this is moved."""

SPECK_ML = 0.05
"""Pieces and holes below this are none: segmentations are cleaned of them."""


@dataclass(frozen=True)
class Roughness:
    """
    How rough an outline is.

    Parameters
    ----------
    share : float
        Standard deviation of the coarse displacement, of R.
    length : float
        Its correlation length, of R.
    fine : float
        Standard deviation of the fine displacement, mm.
    fine_length : float
        Its correlation length, mm.
    affinity : float
        How much further an outline reaches in white matter than elsewhere, of R.
    """

    share: float = 0.25
    length: float = 0.4
    fine: float = 1.0
    fine_length: float = 2.5
    affinity: float = 0.0


CORE, WHOLE = Roughness(share=0.13, fine=0.8), Roughness(share=0.15, affinity=0.1)
"""Of the tumour core, and of the whole tumour, whose edema follows white matter."""


def rough(mask: Array, tissue: Tissue, roughness: Roughness, rng: np.random.Generator) -> Array:
    """
    A mask with its outline displaced.

    Parameters
    ----------
    mask : ndarray of bool [x, y, z]
        Not empty.
    tissue : Tissue
        On the same grid.
    roughness : Roughness
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of bool [x, y, z]
        Within the brain. May be empty, of a small mask.
    """
    box = _box(mask, tissue.spacing)
    spacing = tissue.spacing
    moved = displacement(ball_radius(mask, spacing), tissue.wm[box], spacing, roughness, rng)
    inside = (signed_distance(mask[box].astype(np.float32), spacing) < moved) & tissue.brain[box]
    out = np.zeros(mask.shape, bool)
    out[box] = without_specks(inside, spacing)
    return out


def displacement(
    radius: float,
    wm: Array,
    spacing: Array,
    roughness: Roughness,
    rng: np.random.Generator,
    field: Callable[..., Array] | None = None,
) -> Array:
    """
    How far (mm) an outline moves outwards at each voxel [x, y, z].

    Parameters
    ----------
    radius : float
        R of the outline, mm.
    wm : ndarray [x, y, z]
        Fraction of white matter.
    spacing : ndarray (3,)
        mm.
    roughness : Roughness
    rng : numpy.random.Generator
    field : callable, optional
        In place of `random_field`.
    """
    field = field or random_field
    moved = radius * roughness.share * field(wm.shape, spacing, roughness.length * radius, rng)
    moved += roughness.fine * field(wm.shape, spacing, roughness.fine_length, rng)
    if roughness.affinity:
        smooth = ndimage.gaussian_filter(wm, 1.5 / spacing)
        moved += radius * roughness.affinity * (2 * smooth - 1)
    return moved


def random_field(shape: tuple, spacing: Array, length: float, rng: np.random.Generator) -> Array:
    """
    A Gaussian random field [x, y, z] of mean 0, variance 1 and correlation exp(−r²/2·length²), periodic.

    Parameters
    ----------
    shape : tuple of int
    spacing : ndarray (3,)
        mm.
    length : float
        mm.
    rng : numpy.random.Generator
    """
    spectrum = fft.rfftn(rng.standard_normal(shape))
    # white noise under a Gaussian kernel of σ has the correlation exp(−r²/4σ²)
    for axis, (n, h) in enumerate(zip(shape, spacing, strict=True)):
        k = 2 * np.pi * (fft.rfftfreq(n, h) if axis == 2 else fft.fftfreq(n, h))
        spectrum *= np.exp(-((k * length) ** 2) / 4).reshape([-1 if a == axis else 1 for a in range(3)])
    spectrum[0, 0, 0] = 0
    field = fft.irfftn(spectrum, shape)
    return field / field.std()


def without_specks(mask: Array, spacing: Array, smallest_ml: float = SPECK_ML) -> Array:
    """A mask [x, y, z] without pieces, and without holes, of less than a volume."""
    least = smallest_ml * 1000 / float(np.prod(spacing))
    kept = _large(mask, least, np.ones((3, 3, 3)))
    # what lies around the tumour is one large piece of the background
    return ~_large(~kept, least, None)


def _large(mask: Array, least: float, neighbours: Array | None) -> Array:
    pieces, number = ndimage.label(mask, neighbours)
    if not number:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return (sizes >= least)[pieces]


def _box(mask: Array, spacing: Array) -> tuple[slice, ...]:
    """The window around a mask that its outline may move in."""
    return grids.box_of(mask, np.ceil(REACH_MM / spacing).astype(int))
