"""A density as it would be if the tumour had grown farther along some directions than along others."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import ndimage

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth.model import GrowthModel
from gliofit.growth.parameter import Parameter
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import minimise

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
STRAIN, SHIFT_MM = 0.6, 15.0
"""Largest entry of the strain, and shift."""

ITERATIONS = 30


class Deformed(GrowthModel):
    """
    A density c that is deformed linearly, c(x₀ + (1 − S)(x − x₀ − t)): what another diffusion tensor does to a tumour,
    to first order.

    Parameters
    ----------
    c : ndarray [x, y, z]
    tissue : Tissue
        On the same grid, whose axes S is along. Outside, the deformed density is 0.
    """

    name, title = "deformed", "Deformed density"
    constants = MappingProxyType({})
    origins = np.empty((0, 3), int)

    def __init__(self, c: Array, tissue: Tissue):
        strains = [Parameter(f"s{i}{j}", "", -STRAIN, STRAIN, 0.0) for i, j in PAIRS]
        shifts = [Parameter(f"t{i}", "mm", -SHIFT_MM, SHIFT_MM, 0.0) for i in range(3)]
        self.parameters = (*strains, *shifts)
        # holes of CSF stay where they are, whatever is deformed
        nearest = ndimage.distance_transform_edt(~tissue.mask, return_distances=False, return_indices=True)
        self._filled = c[tuple(nearest)]
        self._from_centre = np.moveaxis(np.indices(c.shape), 0, -1) * tissue.spacing
        self._centre = np.average(self._from_centre.reshape(-1, 3), axis=0, weights=np.maximum(c, 1e-12).ravel())
        self._from_centre = self._from_centre - self._centre

    def simulate(self, tissue: Tissue, values: Array, *, jacobian: bool = False, threads: int | None = None) -> Any:
        """See `GrowthModel.simulate`."""
        values = self.checked(values)
        inverse = np.eye(3)
        for (i, j), strain in zip(PAIRS, values, strict=False):
            inverse[i, j] -= strain
            inverse[j, i] = inverse[i, j]
        moved = self._from_centre - values[6:]
        at = (moved @ inverse.T + self._centre) / tissue.spacing
        c = ndimage.map_coordinates(self._filled, np.moveaxis(at, -1, 0), order=1, mode="nearest")
        density = (c * tissue.mask).astype(self._filled.dtype)
        if not jacobian:
            return density
        slope = np.stack(np.gradient(c, *tissue.spacing), -1) @ np.linalg.pinv(inverse)  # of the filled density, there
        by_strain = [
            -slope[..., i] * moved[..., j] - (slope[..., j] * moved[..., i] if i != j else 0) for i, j in PAIRS
        ]
        by_shift = np.moveaxis(-(slope @ inverse), -1, 0)
        return density, np.concatenate([by_strain, by_shift]).astype(density.dtype) * tissue.mask


def deformed_loss(problem: Problem, c: Array, extras: Array) -> float:
    """The lowest loss of a density [x, y, z] that is deformed linearly, from where it is as it is; no solver runs."""
    model = Deformed(c, problem.tissue)
    own = Problem(problem.tissue, problem.target, model=model, around=problem.centre)
    return minimise(own, np.concatenate([model.start, extras]), iterations=ITERATIONS, tolerance=1e-3).loss
