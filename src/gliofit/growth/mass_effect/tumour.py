"""One tumour that grows and pushes: its cells, the tissue it has moved, and how far."""

from __future__ import annotations

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.growth.cpu.region import EMPTY, Region, region_of
from gliofit.growth.cpu.stepper import Stepper
from gliofit.growth.mass_effect.advection import carry
from gliofit.growth.mass_effect.medium import FRACTIONS, C, Medium
from gliofit.growth.schedule import Schedule
from gliofit.growth.seed import Seed


class Tumour:
    """
    A tumour in motion.

    Parameters
    ----------
    medium : Medium
    seed : Seed
        In voxels of the whole grid.
    plan : Schedule
        Steps of growth.
    growth_rate : float
        ρ = μ_ρ².
    radius : float
        Bound of the spectral radius of diffusion, 1/mm².
    threads : int
    """

    def __init__(self, medium: Medium, seed: Seed, plan: Schedule, growth_rate: float, radius: float, threads: int):
        self.medium, self.plan, self.threads = medium, plan, threads
        self.growth = growth_rate * plan.length
        self.state = medium.rest.copy()
        whole = grids.take(seed.value, medium.offset - seed.corner, medium.shape)
        medium.grid.cells(self.state[C])[:] = whole
        diffusivity = np.zeros(medium.grid.padded, np.float32)
        spacing = np.array(medium.grid.spacing)
        self.stepper = Stepper(diffusivity, 1 / radius / spacing**2, plan, threads)
        self.y, self.buffers = self.stepper.room(1, medium.grid.nz)
        self.diffusivity = diffusivity
        self.own = np.zeros((plan.steps, 1, 4))
        self.floor = self.stepper.steps(self.own).floor
        self.u = self.moved = np.zeros((3, medium.grid.size), np.float32)
        self.velocity = self.u
        """Displacement at the last solve; the one that the state has been carried by; how fast it changes."""

    def grow(self, first: int, stop: int) -> None:
        """Spread and multiply over some steps of the plan, where tissue is now."""
        if stop <= first:
            return
        state, c = self.state, self.y[0][: self.medium.grid.size]
        firm = self.medium.firm(state)
        self.medium.diffusivity(state, firm, self.diffusivity)
        # the solver joins logistic half steps of neighbouring steps: take up the first, give back the last
        c[:] = logistic(state[C], self.growth[first] / 2)
        region = self._region(c, float(self.floor[first]))
        self.stepper.run(self.y, 1, self.buffers, region, self.own, slice(first, stop))
        ahead = self.growth[stop] / 2 if stop < self.plan.steps else 0.0
        c = logistic(c, -ahead)
        # and what is not tissue does not grow
        soft = np.flatnonzero((firm < 1) & (c > 0))
        c[soft] = logistic(c[soft], -(1 - firm[soft]) * self.growth[first:stop].sum())
        state[C] = c

    def _region(self, c: Array, floor: float) -> Region:
        grid = self.medium.grid
        above = c.reshape(grid.padded) > floor
        region = region_of(grid.padded, grid.nz, np.zeros(3, int), (0, 0, 0), self.threads)
        some = above.any(-1)
        region.support_low[:] = np.where(some, above.argmax(-1), EMPTY)
        region.support_high[:] = np.where(some, grid.row - above[..., ::-1].argmax(-1), -1)
        return region

    def carry_to(self, displacement: Array, times: int, backwards: bool) -> None:
        """Move cells and tissue on until they have been carried by `displacement`."""
        step = displacement - self.moved
        self.state = carry(self.medium.grid, self.state, FRACTIONS, step, times, backwards, self.threads)
        self.medium.drain(self.state)
        self.moved = displacement


def logistic(c: Array, amount: float | Array) -> Array:
    """c after the logistic flow dc/dt = c(1 − c) over a time, which may be negative."""
    gain = np.exp(amount, dtype=np.float32) if isinstance(amount, np.ndarray) else np.float32(np.exp(amount))
    return c * gain / (1 + c * (gain - 1))
