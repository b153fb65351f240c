"""Steps of a schedule on the CPU: what the sweep of `sweep` works on, and how its work is cut up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu import sweep as kernels
from gliofit.growth.cpu.crew import together
from gliofit.growth.cpu.padded import zeros
from gliofit.growth.cpu.region import Region
from gliofit.growth.schedule import Schedule

CACHE_BYTES = 400_000
"""What a sweep plans to keep in a core's own cache."""

FLOOR = {np.dtype(np.float32): 1e-8, np.dtype(np.float64): 1e-17}
"""Density below which a row's end is not followed, at t = 1; earlier it is smaller by the growth still to come."""


class Grid(NamedTuple):
    """
    The medium, flat and padded.

    Parameters
    ----------
    d : ndarray [n]
        Diffusivity.
    w : tuple of float
        ω/(2h²) per axis.
    sx, sy : int
        Offsets along x and y.
    """

    d: Array
    w: tuple[float, float, float]
    sx: int
    sy: int


class Buffers(NamedTuple):
    """
    Room for the stages of some fields.

    Parameters
    ----------
    odd, even : ndarray [fields, ≥ (nx + 2)·ring·sy]
        P_j y for odd and even j; as far from field to field as y.
    used : int32 ndarray [nx + 2, ring, 2]
        The stretch of z of each place in the buffers in which they are not zero.
    tile : int
        Rows of y that are worked on together; ring is more than tile + s, or as many rows as there are.
    """

    odd: Array
    even: Array
    used: Array
    tile: int


class Steps(NamedTuple):
    """
    All steps of a run, in the kernels' number type.

    Parameters
    ----------
    stages, reach : int64 ndarray [n]
        Stages s of each step, and voxels around the support that it is computed on.
    weights : ndarray [n, 3]
        α, β, γ.
    own : ndarray [n, fields, 4]
        Derivatives of α, β, γ, and of ρt of the logistic flow at the step's end, by each tangent's parameter; 0 for
        those by the origin.
    gain : ndarray [n]
        exp(ρt) − 1 of that flow.
    floor : ndarray [n]
        Density below which a row's end is not followed.
    c1, c2 : ndarray [> s]
        Coefficients of the Legendre recurrence, (2j − 1)/j and (j − 1)/j for stage j.
    lengthening : float
        What the tangent by the time scale begins the last step with, in c·(1 − c).
    """

    stages: Array
    reach: Array
    weights: Array
    own: Array
    gain: Array
    floor: Array
    c1: Array
    c2: Array
    lengthening: float


class Stepper:
    """
    Steps of a schedule in a region that grows.

    Parameters
    ----------
    diffusivity : ndarray [nx + 2, ny + 2, ≥ nz + 2]
        Padded.
    face_weights : ndarray (3,)
        ω/(2h²) per axis.
    plan : Schedule
    threads : int
    """

    def __init__(self, diffusivity: Array, face_weights: Array, plan: Schedule, threads: int):
        self.shape, self.dtype = diffusivity.shape, diffusivity.dtype
        self.plan, self.threads, self.most = plan, threads, int(plan.stages.max())
        weights = tuple(self.dtype.type(w) for w in face_weights)
        self.grid = Grid(diffusivity.reshape(-1), weights, self.shape[1] * self.shape[2], self.shape[2])

    def padded(self, fields: Array) -> Array:
        """A view [fields, nx + 2, ny + 2, ≥ nz + 2] of flat fields."""
        return fields[:, : self.grid.d.size].reshape(-1, *self.shape)

    def room(self, fields: int, length: float) -> tuple[Array, Buffers]:
        """
        A number of fields, all 0, and their buffers, for rows that become about `length` voxels long.

        The longer the rows, the narrower the tiles: what is in flight should fit into a core's own cache. Beside the
        rows in flight the ring holds, for several threads, another tile, by which one may be ahead of the next.
        """
        # planes in flight × arrays: the density and two buffers of each field, and the diffusivity
        row = (self.most + 2) * (3 * fields + 1) * min(length, self.shape[2]) * self.dtype.itemsize
        tile = max(int(CACHE_BYTES / row), 4)
        ring = min((tile if self.threads == 1 else 2 * tile) + self.most + 1, self.shape[1])
        odd, even, y = zeros(fields, [self.shape[0] * ring * self.shape[2]] * 2 + [self.grid.d.size], self.dtype)
        return y, Buffers(odd, even, np.zeros((self.shape[0], ring, 2), np.int32), tile)

    def steps(self, own: Array) -> Steps:
        """
        The kernels' view of the schedule.

        Parameters
        ----------
        own : ndarray [steps, all fields, 4]
            Derivatives of each step's α, β, γ, and of ρt of the logistic flow at its end, by each tangent's parameter;
            0 for those by the origin.
        """
        plan, degree = self.plan, np.arange(1, self.most + 1)
        c1, c2 = (np.concatenate([[0], v]) for v in ((2 * degree - 1) / degree, (degree - 1) / degree))
        to_come = plan.growth.sum() - np.cumsum(plan.growth)[1:]
        floor = np.maximum(FLOOR[self.dtype] * np.exp(-to_come), 1e-25)
        tables = (plan.weights, own, np.expm1(plan.growth[1:]), floor, c1, c2)
        weights, own, growth, floor, c1, c2 = (v.astype(self.dtype) for v in tables)
        reach = np.array([_reach(int(s), k, self.dtype) for k, s in enumerate(plan.stages)])
        lengthening = self.dtype.type(plan.growth_scale[-2])
        return Steps(plan.stages, reach, weights, own, growth, floor, c1, c2, lengthening)

    def run(
        self, y: Array, fields: int, buffers: Buffers, region: Region, steps: Steps, span: slice = slice(None)
    ) -> Array:
        """
        Do all steps, or some.

        Parameters
        ----------
        y : ndarray [all fields, n]
            The density and its tangents; advanced in place.
        fields : int
            How many of them all steps but the last concern.
        buffers : Buffers
            For as many fields as y has.
        region : Region
            Becomes the rows of the last step.
        steps : Steps
            The plan's.
        span : slice
            Which of the plan's steps to do.

        Returns
        -------
        voxels : int64 ndarray [steps]
            That the stages of each step visited.
        """
        each = {name: getattr(steps, name)[span] for name in ("stages", "reach", "weights", "own", "gain", "floor")}
        work = np.zeros(len(each["stages"]), np.int64)
        grown = tuple(range(fields)), tuple(range(len(y))), y, buffers, self.grid, region, steps._replace(**each), work
        together(self.threads, len(work), kernels.advance, *grown)
        return work


def _reach(stages: int, step: int, dtype: np.dtype) -> int:
    """
    Voxels around the support that a step is computed on; a step of s stages reaches s voxels.

    Past the first steps, whose seed is sharp, what goes further than half of that is below 1e-5; for checks
    in float64 nothing is cut.
    """
    return stages if dtype == np.float64 or step < 3 else min(stages, stages // 2 + 2)
