"""Other heads than the atlas's: random smooth deformations of an anatomy, for networks to train on."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError

KNOTS_MM = 40.0
"""Between the knots of the displacement's cubic B-spline: ventricles and lobes change their shape, gyri do not."""


SMALLEST_VOLUME = 0.2
"""What a voxel's volume may shrink to; at 0 the deformation would fold."""


def deformed(tissue: Tissue, amount: float, rng: np.random.Generator) -> Tissue:
    """
    An anatomy under a random smooth deformation.

    Each voxel shows what lies at its place plus a displacement; the displacement is a cubic B-spline with independent
    normal coefficients on knots 40 mm apart, redrawn until it folds nowhere.

    Parameters
    ----------
    tissue : Tissue
        Whole brain, with room around it (what is moved off the grid is lost).
    amount : float
        Standard deviation of the displacement on each axis, mm; 0 leaves the anatomy as it is.
    rng : numpy.random.Generator

    Returns
    -------
    Tissue
        On the same grid.

    Raises
    ------
    InputError
        If `amount` is negative, or so large that ten draws all fold.
    """
    if not 0 <= amount < np.inf:
        raise InputError(f"the deformation of {amount:g} mm must be finite and not negative")
    if amount == 0:
        return tissue
    length = (np.array(tissue.shape) - 1) * tissue.spacing
    knots = np.ceil(length / KNOTS_MM).astype(int) + 3
    bases = [_basis(n, h, k) for n, h, k in zip(tissue.shape, tissue.spacing, knots, strict=True)]
    value, slope = zip(*bases, strict=True)
    # Σ b² over a cubic B-spline's bases is 0.48 on average, on each of three axes
    for _ in range(10):
        coefficients = rng.normal(scale=amount / 0.48**1.5, size=(3, *knots))
        if _volume_change(coefficients, value, slope) >= SMALLEST_VOLUME:
            break
    else:
        raise InputError(f"deformations of {amount:g} mm fold the anatomy; a smaller amount is needed")
    index = np.indices(tissue.shape, np.float32, sparse=True)
    where = [
        i + _spline(c, *value) / np.float32(h) for i, c, h in zip(index, coefficients, tissue.spacing, strict=True)
    ]
    wm, gm, csf = (
        ndimage.map_coordinates(m, where, order=1, mode="constant") for m in (tissue.wm, tissue.gm, tissue.csf)
    )
    return Tissue(wm, gm, csf, tissue.affine)


def _spline(coefficients: Array, x: Array, y: Array, z: Array) -> Array:
    """A field [x, y, z] from coefficients [a, b, c] and the bases of each axis [x, a], [y, b], [z, c]."""
    return np.einsum("abc,xa,yb,zc->xyz", coefficients.astype(np.float32), x, y, z, optimize=True)


def _volume_change(coefficients: Array, value: list[Array], slope: list[Array], step: int = 4) -> float:
    """The smallest determinant of the deformation's derivative, on every `step`-th voxel of each axis."""
    value, slope = ([b[::step] for b in bases] for bases in (value, slope))
    rows = []
    for component in coefficients:
        row = [_spline(component, *(slope[b] if a == b else value[b] for b in range(3))) for a in range(3)]
        rows.append(np.stack(row, -1))
    return float(np.linalg.det(np.stack(rows, -2) + np.eye(3, dtype=np.float32)).min())


def _basis(voxels: int, spacing: float, knots: int) -> tuple[Array, Array]:
    """Cubic B-spline bases [voxels, knots] and their derivatives (1/mm) along one axis."""
    place = np.arange(voxels)[:, None] * spacing / KNOTS_MM - (np.arange(knots) - 1)
    far = np.abs(place)
    value = np.where(far < 1, 2 / 3 - far**2 + far**3 / 2, np.clip(2 - far, 0, None) ** 3 / 6)
    slope = (
        np.where(far < 1, -2 * far + 1.5 * far**2, -(np.clip(2 - far, 0, None) ** 2) / 2) * np.sign(place) / KNOTS_MM
    )
    return value.astype(np.float32), slope.astype(np.float32)
