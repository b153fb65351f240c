"""One tumour that grows and pushes: its cells, the tissue it has moved, and how far."""

from __future__ import annotations

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.growth.cpu.padded import OUTSIDE
from gliofit.growth.cpu.region import EMPTY, region_of
from gliofit.growth.cpu.stepper import Stepper
from gliofit.growth.mass_effect import cells
from gliofit.growth.mass_effect.advection import carry
from gliofit.growth.mass_effect.medium import CSF, FIRMLY, FRACTIONS, GM, HELD, WM, C, Medium
from gliofit.growth.mass_effect.near import Near
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
        self.room = self.state.copy()
        diffusivity = np.full(medium.grid.padded, OUTSIDE, np.float32)
        spacing = np.array(medium.grid.spacing)
        self.stepper = Stepper(diffusivity, 1 / radius / spacing**2, plan, threads)
        self.y, self.buffers = self.stepper.room(1, medium.grid.nz)
        self.diffusivity = diffusivity
        self.steps = self.stepper.steps(np.zeros((plan.steps, 1, 4)))
        self.u, self.foreseen, self.moved = (medium.grid.faces() for _ in range(3))
        """Displacement at the last solve, at the next one as the last ones lead there, and that of the state."""
        self.way = medium.grid.faces()
        """Room for a displacement around the tumour; 0 elsewhere."""
        self.spare: Array | None = None
        """What the next solve writes to: the displacement before the last, which nothing needs any more."""
        self.near: Near | None = None
        """Where the state was carried last; everywhere if there is none."""

    def grow(self, first: int, stop: int) -> None:
        """Spread and multiply over some steps of the plan, where tissue is now."""
        if stop <= first:
            return
        medium, c, threads = self.medium, self.y[0][: self.medium.grid.size], self.threads
        medium.diffusivity(self.state, threads, self.diffusivity, self.near.cells if self.near else None)
        # the solver joins logistic half steps of neighbouring steps: take up the first, give back the last
        gain = np.float32(np.exp(self.growth[first] / 2))
        region = region_of(medium.grid.padded, medium.grid.nz, np.zeros(3, int), (0, 0, 0), threads)
        rows = c, region.support_low, region.support_high
        medium.visit(threads, cells.take_up, self.state[C], gain, self.steps.floor[first], EMPTY, *rows)
        self.stepper.run(self.y, 1, self.buffers, region, self.steps, slice(first, stop))
        gain = np.float32(np.exp(-self.growth[stop] / 2)) if stop < self.plan.steps else np.float32(1)
        amount = np.float32(self.growth[first:stop].sum())
        medium.visit(threads, cells.give_back, c, gain, amount, self.state[HELD], *FIRMLY, self.state[C])

    def carry_by(self, displacement: Array, times: int, backwards: bool, near: Near | None = None) -> None:
        """Move cells and tissue on by `displacement`, everywhere or near the tumour; callers keep `moved`."""
        medium, threads = self.medium, self.threads
        grid, state = medium.grid, self.state
        if near:  # carrying swaps both, and leaves the rest as it is; cells grow everywhere
            changed = slice(C, C + 1) if self.near else slice(None)
            np.copyto(self.room[changed], state[changed])
        self.near = near
        spans = near.cells if near else medium.spans
        moved = carry(grid, spans, state, self.room, FRACTIONS, displacement, times, backwards, threads)
        self.state, self.room = moved
        medium.visit(threads, cells.drain, self.state[WM], self.state[GM], self.state[CSF], spans=spans)
