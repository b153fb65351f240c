"""
Growth that starves its core: proliferating cells P, necrotic cells N and a nutrient S (TumorGrowthToolkit's FK_2c).

    ∂P/∂t = ∇·(D∇P) + ρSP(1 − P − N) − λ H(S) P,
    ∂N/∂t = λ H(S) P,
    ∂S/∂t = ∇·(D_s∇S) − aSP,    H(S) = 1/(1 + exp(50(S − σ))),

P + N ≤ 1, S = 1 in healthy tissue; D_s = D_w·ν·(p_WM + p_GM). Where P + N is nearly 1 cells no longer spread. As in the
Fisher–Kolmogorov model time runs from 0 to 1, λ, a and D_s being measured by ρ and D_w.

A step of the Fisher–Kolmogorov schedule is half the reactions, diffusion of P and of what is missing of S, and half
the reactions again (Strang). The reactions are split the same way into flows that are known in closed form –
consumption, death, growth, death, consumption –, so that nothing becomes negative or more than 1, and what dies is
what becomes necrotic. Without consumption it is the Fisher–Kolmogorov scheme itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth.cpu.compiled import kernel
from gliofit.growth.cpu.crew import share
from gliofit.growth.cpu.padded import OUTSIDE
from gliofit.growth.cpu.region import EMPTY, Region, region_of
from gliofit.growth.cpu.stepper import Stepper
from gliofit.growth.medium import medium
from gliofit.growth.schedule import on_steps, schedule
from gliofit.growth.seed import initial_density
from gliofit.growth.theta import Theta

STEEPNESS = 50.0
"""Of H."""

CROWDED = (0.85, 0.95)
"""P + N from which cells spread less, and from which not at all; the toolkit has a step at 0.9."""


@dataclass(frozen=True)
class Rates:
    """
    Of starving.

    Parameters
    ----------
    consumption : float
        a/ρ.
    death : float
        λ/ρ.
    threshold : float
        σ, the nutrient below which cells die.
    nutrient_diffusion : float
        ν = D_s/D_w.
    """

    consumption: float
    death: float
    threshold: float
    nutrient_diffusion: float


class Compartments(NamedTuple):
    """
    Proliferating and necrotic cells, and the nutrient.

    Parameters
    ----------
    proliferating, necrotic, nutrient : ndarray [x, y, z]
        In [0, 1]; 0 outside tissue, the nutrient too.
    """

    proliferating: Array
    necrotic: Array
    nutrient: Array


@kernel
def _react(part, parts, p, n, missing, growth, death, consumption, threshold, steepness):
    """The reactions of a step in a part of the voxels; rates times Δt. `missing` is 1 − S."""
    half, one = p.dtype.type(0.5), p.dtype.type(1)
    for i in range(p.size * part // parts, p.size * (part + 1) // parts):
        if p[i] <= 0:
            continue
        alive, dead, s = p[i], n[i], one - missing[i]
        for flow in range(3):
            if flow == 1:
                room = max(one - dead, p.dtype.type(1e-6))
                gain = np.exp(growth * s * room) - one
                alive = alive * (one + gain) / (one + alive / room * gain)
                continue
            if flow == 0:
                s *= np.exp(-consumption * half * alive)
            dying = alive * (one - np.exp(-death * half / (one + np.exp(steepness * (s - threshold)))))
            alive, dead = alive - dying, dead + dying
            if flow == 2:
                s *= np.exp(-consumption * half * alive)
        p[i], n[i], missing[i] = alive, dead, one - s


class Run:
    """
    A tumour on given steps.

    Parameters
    ----------
    tissue : Tissue
    theta : Theta
    rates : Rates
    length : ndarray [n]
        Δt of the steps.
    threads : int
    """

    def __init__(self, tissue: Tissue, theta: Theta, rates: Rates, length: Array, threads: int):
        self.tissue, self.rates, self.length, self.threads = tissue, rates, length, threads
        self.growth = theta.mu_rho**2 * length
        field = medium(tissue, np.float32, threads=threads)
        self.rest, self.largest = field.diffusivity, np.float32(field.diffusivity.max())
        supply = np.full(self.rest.shape, OUTSIDE, np.float32)
        inner = tuple(slice(1, n + 1) for n in tissue.shape)
        supply[inner] = np.where(tissue.mask, tissue.wm + tissue.gm, np.float32(OUTSIDE))
        seed = initial_density(tissue, theta.origin)
        faces = 4 * float((1 / tissue.spacing**2).sum())
        diffusions = (
            (self.rest.copy(), theta.mu_D, field.radius),
            (supply, theta.mu_D * rates.nutrient_diffusion**0.5, faces * max(float(supply.max()), 1e-6)),
        )
        self.spreads = []
        for diffusivity, mu, radius in diffusions:
            stepper = Stepper(diffusivity, 1 / radius / tissue.spacing**2, on_steps(length, mu, 0.0, radius), threads)
            y, buffers = stepper.room(1, tissue.shape[2])
            self.spreads.append((stepper, stepper.steps(np.zeros((len(length), 1, 4))), y, buffers))
        self.crowded = diffusions[0][0]
        self.p, self.missing = (y[0][: self.rest.size] for *_, y, _ in self.spreads)
        self.n = np.zeros_like(self.p)
        inside = tuple(slice(c + 1, c + 1 + m) for c, m in zip(seed.corner, seed.value.shape, strict=True))
        self.p.reshape(self.rest.shape)[inside] = seed.value

    def react(self, growth: float) -> None:
        """Over a time growth/ρ."""
        rates = self.rates
        amounts = (growth, growth * rates.death, growth * rates.consumption, rates.threshold, STEEPNESS)
        share(self.threads, _react, self.p, self.n, self.missing, *(np.float32(a) for a in amounts))

    def spread(self, step: int) -> None:
        """P and S, over a step."""
        if self.rates.consumption > 0:
            low, high = CROWDED
            total = (self.p + self.n).reshape(self.rest.shape)
            free = np.clip((np.float32(high) - total) * np.float32(1 / (high - low)), 0, 1)
            # a face between −largest and any tissue is closed
            self.crowded[:] = np.where(self.rest > 0, free * (self.rest + self.largest) - self.largest, self.rest)
        floor = float(np.exp(-self.growth[step:].sum())) * 1e-8
        for (stepper, steps, y, buffers), field in zip(self.spreads, (self.p, self.missing), strict=True):
            region = self._region(field, max(floor, 1e-25))
            stepper.run(y, 1, buffers, region, steps, slice(step, step + 1))

    def _region(self, field: Array, floor: float) -> Region:
        nx, ny, row = self.rest.shape
        above = field.reshape(self.rest.shape) > floor
        region = region_of((nx, ny, row), self.tissue.shape[2], np.zeros(3, int), (0, 0, 0), self.threads)
        some = above.any(-1)
        region.support_low[:] = np.where(some, above.argmax(-1), EMPTY)
        region.support_high[:] = np.where(some, row - above[..., ::-1].argmax(-1), -1)
        return region

    def go(self) -> Run:
        """To t = 1."""
        for step, growth in enumerate(self.growth):
            self.react(growth / 2)
            self.spread(step)
            self.react(growth / 2)
        return self

    def compartments(self) -> Compartments:
        """At the present time."""
        inner = tuple(slice(1, n + 1) for n in self.tissue.shape)
        p, n, missing = (field.reshape(self.rest.shape)[inner] for field in (self.p, self.n, self.missing))
        return Compartments(p.copy(), n.copy(), np.where(self.tissue.mask, np.clip(1 - missing, 0, 1), 0))


def steps(tissue: Tissue, theta: Theta, refine: float = 1.0) -> Array:
    """Δt [n] of the Fisher–Kolmogorov schedule, `refine` times shorter."""
    return schedule(theta.mu_D, theta.mu_rho, tissue.spacing, medium(tissue).radius, refine).length
