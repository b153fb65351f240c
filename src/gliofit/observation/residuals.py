"""Residual maps with their derivatives, for Gauss–Newton."""

from __future__ import annotations

from dataclasses import dataclass

from gliofit.base.arrays import Array


@dataclass(frozen=True, eq=False)
class Residuals:
    """
    Residual maps with their derivatives, for Gauss–Newton; the mean of their squares is a target's loss.

    Parameters
    ----------
    r, by_density : ndarray [m, x, y, z]
        Maps, and their pointwise derivative by the density.
    by_extra : ndarray [k, m, x, y, z]
        Their derivative by the extras.
    size_by_density : ndarray [m, x, y, z], optional
        Where a map is divided by a scalar that itself depends on the density: the derivative of that scalar's logarithm
        by each voxel's density, which `by_density` leaves out. Complete: ∂r = by_density·∂c − r·Σ size_by_density·∂c.
    size_by_extra : ndarray [k, m], optional
        Likewise by the extras.
    curving : ndarray [m, x, y, z], optional
        Share of a map's squared derivatives that is curvature of its loss (`gliofit.observation.curving`); all of them
        if not given.
    """

    r: Array
    by_density: Array
    by_extra: Array
    size_by_density: Array | None = None
    size_by_extra: Array | None = None
    curving: Array | None = None
