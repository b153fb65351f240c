"""
How far errors of neighbouring voxels go together, and what is left of a scan's information then.

A model that is not the truth, or an outline drawn by hand, is off in patches. Their voxels say the same thing many
times over; a likelihood that takes them for independent is too sure. The covariance of the score, summed over pairs of
voxels that are near each other (Conley 1999, J. Econom. 92), says by how much: in the sandwich covariance H⁻¹JH⁻¹
(Huber 1967), or as a power of the likelihood (Pauli, Racugno & Ventura 2011, Stat. Sin. 21).
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from gliofit.base.arrays import Array

TAPER = 2.0
"""
Correlation lengths over which pairs of voxels fade out of a sum. With few, pairs that err together are missed; with
many, the sum over all of the tumour is counted, which is 0 at the fit.
"""

REACH = 3.0
"""Of the taper's standard deviation, after which a pair no longer counts."""

BLOCKS = 3.0
"""To the taper's standard deviation, at least, of the blocks of voxels whose scores are summed up first."""

GONE = 0.5
"""Agreement of two errors' signs, weighted by their size, that ends a correlation length."""


def correlation_length(errors: Array, spacing: Array, longest: float) -> float:
    """
    Distance (mm) over which errors agree in their sign.

    Parameters
    ----------
    errors : ndarray [m, x, y, z]
        Of m images; 0 where nothing is compared.
    spacing : ndarray (3,)
        mm.
    longest : float
        mm; what goes on further is not told from a tumour that is fitted badly.

    Returns
    -------
    float
        0 if even neighbours do not.
    """
    box = box_of_any(np.any(errors != 0, axis=0))
    found = errors[(slice(None), *box)].astype(np.float64)
    shape = [
        fft.next_fast_len(n + int(np.ceil(longest / h)) + 1, real=True)
        for n, h in zip(found.shape[1:], spacing, strict=True)
    ]

    def together(a: Array) -> Array:
        """Sum over voxels of a(x)·a(x + h), at each h."""
        power = sum(np.abs(fft.rfftn(each, shape)) ** 2 for each in a)
        return fft.irfftn(power, shape)

    own, most = together(found), together(np.abs(found))
    steps = np.meshgrid(
        *(fft.fftfreq(n, 1 / n) * h for n, h in zip(shape, spacing, strict=True)), sparse=True, indexing="ij"
    )
    away = np.sqrt(sum(s**2 for s in steps))
    width = float(np.max(spacing))
    shell = np.round(away / width).astype(int)
    number = int(longest / width) + 1
    sums = [np.bincount(shell.ravel(), a.ravel(), number + 1)[: number + 1] for a in (own, most)]
    agreement = sums[0] / np.maximum(sums[1], 1e-300)
    below = np.flatnonzero(agreement < GONE)
    if not below.size:
        return float(longest)
    end = int(below[0])
    high, low = agreement[end - 1], agreement[end]
    return width * float(end - 1 + (high - GONE) / max(high - low, 1e-12)) if end > 1 else 0.0


def score_covariance(scores: Array, spacing: Array, length: float) -> Array:
    """
    Covariance [n, n] of a sum of scores whose errors go together.

    Parameters
    ----------
    scores : ndarray [n, x, y, z]
        Of each voxel; 0 where nothing is compared.
    spacing : ndarray (3,)
        mm.
    length : float
        Correlation length of the errors, mm. A pair of voxels counts by exp(−½·(distance/`TAPER`·length)²); 0: each
        voxel with itself alone.
    """
    own = scores[(slice(None), *box_of_any(np.any(scores != 0, axis=0)))].astype(np.float64)
    blocks = [max(int(TAPER * length / h / BLOCKS), 1) for h in spacing]
    for axis, block in enumerate(blocks, 1):
        own = np.add.reduceat(own, np.arange(0, own.shape[axis], block), axis)
    near = own
    for axis, (h, block) in enumerate(zip(spacing, blocks, strict=True), 1):
        taper = TAPER * length / h
        reach = int(REACH * taper)
        if reach:  # as a product with a matrix: a convolution takes ten times as long
            apart = block * np.subtract.outer(*[np.arange(own.shape[axis])] * 2)
            # the mean over all pairs of voxels of two blocks, whose distances scatter by this variance
            wider = 1 + (block**2 - 1) / 6 / taper**2
            weights = np.exp(-0.5 * (apart / taper) ** 2 / wider) / np.sqrt(wider)
            near = np.moveaxis(np.tensordot(np.where(np.abs(apart) <= reach, weights, 0), near, (1, axis)), 0, axis)
    flat, other = own.reshape(len(own), -1), near.reshape(len(own), -1)
    found = flat @ other.T
    return (found + found.T) / 2


def box_of_any(mask: Array) -> tuple[slice, ...]:
    """The box of a mask of any number of axes; the first voxel's if it is empty."""
    found = ndimage.find_objects(mask.astype(np.uint8))
    return found[0] if found else (slice(0, 1),) * mask.ndim
