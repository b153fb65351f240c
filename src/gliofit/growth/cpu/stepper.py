"""Steps of a schedule on the CPU: what the sweep of `sweep` works on, and how its work is cut up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu import sweep as kernels
from gliofit.growth.cpu.region import Region
from gliofit.growth.schedule import Schedule

CACHE_BYTES = 400_000
"""What a sweep plans to keep in a core's own cache."""

CACHE_LINE, PAGE = 64, 4096
"""Bytes."""

STAGGER = 23
"""Cache lines by which fields are shifted against each other."""

FLOOR = {np.dtype(np.float32): 1e-8, np.dtype(np.float64): 1e-17}
"""Density below which a row's end is not followed, at t = 1; earlier it is smaller by the growth still to come."""


def zeros(fields: int, sizes: Sequence[int], dtype: np.dtype) -> list[Array]:
    """
    Fields of zeros: an array [fields, ≥ n] for each size n, to use the first n of; as far from field to field in all.

    Each field begins at a cache line, and at another place of a memory page than the others: a vector then never
    straddles two lines, and rows of the same voxels of all fields do not compete for the same few places of the
    first-level cache, which cost a quarter of the tangents' time.
    """
    page, shift = PAGE // dtype.itemsize, STAGGER * CACHE_LINE // dtype.itemsize
    pages = np.cumsum([0, *(-(-n // page) + 1 for n in sizes)])
    stride = pages[-1] * page + shift
    starts = pages * page + np.arange(len(pages)) * fields * shift % page
    room = np.zeros(fields * stride + starts[-2] + page, dtype)
    room = room[-room.ctypes.data % PAGE // dtype.itemsize :]
    return [room[start : start + fields * stride].reshape(fields, stride) for start in starts[:-1]]


@dataclass(frozen=True, eq=False)
class Buffers:
    """
    Room for the stages of some fields.

    Parameters
    ----------
    odd, even : ndarray [fields, (nx + 2)·ring·row]
    used : int32 ndarray [nx + 2, ring, 2]
        The stretch of each row's place in which they are not zero.
    tile : int
        Rows of y that are worked on together.
    """

    odd: Array
    even: Array
    used: Array
    tile: int

    @property
    def ring(self) -> int:
        """Rows a plane."""
        return self.used.shape[1]


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
    region : Region
    threads : int
    """

    def __init__(self, diffusivity: Array, face_weights: Array, plan: Schedule, region: Region, threads: int):
        self.shape, self.dtype = diffusivity.shape, diffusivity.dtype
        self.d, self.plan, self.region, self.threads = diffusivity.reshape(-1), plan, region, threads
        self.w = self._numbers(face_weights)
        self.most = int(plan.stages.max())
        degree = np.arange(1, self.most + 1)
        self.c1, self.c2 = (
            np.concatenate([[0], v]).astype(self.dtype) for v in ((2 * degree - 1) / degree, (degree - 1) / degree)
        )
        self.to_come = plan.growth.sum() - np.cumsum(plan.growth)

    def _numbers(self, values) -> tuple:
        return tuple(self.dtype.type(v) for v in values)

    def padded(self, fields: Array) -> Array:
        """A view [fields, nx + 2, ny + 2, ≥ nz + 2] of flat fields."""
        return fields[:, : self.d.size].reshape(-1, *self.shape)

    def room(self, fields: int, length: float) -> tuple[Array, Buffers]:
        """
        A number of fields, all 0, and their buffers, for rows that become about `length` voxels long.

        The longer the rows, the narrower the tiles: what is in flight should fit into a core's own cache.
        """
        # planes in flight × arrays: the density and two buffers of each field, and the diffusivity
        row = (self.most + 2) * (3 * fields + 1) * min(length, self.shape[2]) * self.dtype.itemsize
        tile = max(int(CACHE_BYTES / row), 4)
        ring = min(tile + self.most + 1, self.shape[1])
        odd, even, y = zeros(fields, [self.shape[0] * ring * self.shape[2]] * 2 + [self.d.size], self.dtype)
        return y, Buffers(odd, even, np.zeros((self.shape[0], ring, 2), np.int32), tile)

    def grow(self, step: int) -> None:
        """Choose the rows for a step."""
        self.region.grow(_reach(int(self.plan.stages[step]), step, self.dtype))

    def advance(self, step: int, y: Array, buffers: Buffers, own: Array) -> None:
        """
        Do a step.

        Parameters
        ----------
        step : int
        y : ndarray [fields, n]
            The density and its tangents; advanced in place.
        buffers : Buffers
            For as many fields, or more.
        own : ndarray [fields, 4]
            Derivatives of the step's α, β, γ, and of ρt of the logistic flow at its end, by each tangent's parameter;
            0 for those by the origin.
        """
        plan, region, s, fields = self.plan, self.region, int(self.plan.stages[step]), len(y)
        first, stop = region.y_range
        low, high = np.empty(region.rows, np.int32), np.empty(region.rows, np.int32)
        floor = max(FLOOR[self.dtype] * np.exp(-self.to_come[step + 1]), 1e-25)
        kernels.sweep(
            tuple(range(fields)), y, buffers.odd[:fields], buffers.even[:fields], buffers.used, self.d,
            *region.extent, region.row_at, region.slabs(self.threads, s), first, stop, buffers.tile,
            step % 2 == 1, s, self.shape[1] * self.shape[2], self.shape[2], self.w, self.c1, self.c2,
            self._numbers(plan.weights[step]), own.astype(self.dtype), self.dtype.type(np.expm1(plan.growth[step + 1])),
            self.dtype.type(floor), low, high,
        )  # fmt: skip
        region.settle(low, high)


def _reach(stages: int, step: int, dtype: np.dtype) -> int:
    """
    Voxels around the support that a step is computed on; a step of s stages reaches s voxels.

    Past the first steps, whose seed is sharp, what goes further than half of that is below 1e-5; for checks
    in float64 nothing is cut.
    """
    return stages if dtype == np.float64 or step < 3 else min(stages, stages // 2 + 2)
