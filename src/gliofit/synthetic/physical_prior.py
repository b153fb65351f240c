"""Tumours of given D, ρ and age in many heads, for the geometry-aware surrogate (Ezhov 2021)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth import simulate
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.theta import Theta
from gliofit.observation.thresholds import VISIBLE
from gliofit.synthetic.prior import OriginSampler, Prior, Sample, accepted, ascending, visible_volume

VOLUME = (1e-6, 1e6)
"""Volumes (ml) that shards of these tumours may have: the paper rejects none, whatever it looks like."""


@dataclass(frozen=True)
class PhysicalPrior:
    """
    D, ρ and T, each uniform in its range, independent of the origin, which is uniform over grey and white matter.

    No tumour is rejected for its size (Ezhov 2021, Sec. III.1), but for having no cells of density `VISIBLE` at all,
    which no Dice could be taken of.

    Parameters
    ----------
    diffusivity : tuple of float
        D_w, mm²/day.
    growth_rate : tuple of float
        ρ, 1/day.
    days : tuple of float
        T.
    day_step : float
        T is a multiple of this above its lower bound; 0: any T.
    ratio : float
        D_w/D_g.
    """

    diffusivity: tuple[float, float] = (0.01, 0.08)
    growth_rate: tuple[float, float] = (0.0001, 0.03)
    days: tuple[float, float] = (50.0, 1000.0)
    day_step: float = 50.0
    ratio: float = GREY_MATTER_RATIO

    def __post_init__(self) -> None:
        for name in ("diffusivity", "growth_rate", "days"):
            object.__setattr__(self, name, ascending(f"the range {name}", getattr(self, name)))
        if not (0 <= self.day_step <= self.days[1] - self.days[0] and 0 < self.ratio < np.inf):
            raise InputError(f"day_step = {self.day_step:g} and ratio = {self.ratio:g} do not go with the prior")

    @property
    def box(self) -> Box:
        """Ranges of D, ρ, T."""
        lower, upper = zip(self.diffusivity, self.growth_rate, self.days, strict=True)
        return Box(np.array(lower), np.array(upper))

    @property
    def theta_prior(self) -> Prior:
        """The ranges of μ_D and μ_ρ that these imply."""
        low, high = self.box.lower, self.box.upper
        mu_D, mu_rho = ((float(np.sqrt(low[i] * low[2])), float(np.sqrt(high[i] * high[2]))) for i in (0, 1))
        return Prior(mu_D, mu_rho, VOLUME, longest_wave=2 * mu_D[1] * mu_rho[1])

    def draw(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """D (mm²/day), ρ (1/day), T (days)."""
        diffusivity, growth_rate = rng.uniform(*self.diffusivity), rng.uniform(*self.growth_rate)
        if self.day_step:
            steps = int((self.days[1] - self.days[0]) / self.day_step + 1e-9)
            return diffusivity, growth_rate, self.days[0] + self.day_step * int(rng.integers(steps + 1))
        return diffusivity, growth_rate, rng.uniform(*self.days)


def physical_samples(
    tissue: Tissue, prior: PhysicalPrior, count: int, seed: Sequence[int], threads: int = 1
) -> Iterator[Sample]:
    """
    Tumours, one after another, seeded as by `prior.accepted`.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid.
    prior : PhysicalPrior
    count : int
    seed : sequence of int
    threads : int
        For the solver.

    Yields
    ------
    Sample
        Its `centre`, which crops are laid about, is the origin.

    Raises
    ------
    InputError
        If 1000 tumours in a row cannot be seen.
    """
    origins = OriginSampler(tissue)

    def candidate(rng: np.random.Generator) -> Sample | None:
        origin = origins.draw(rng)
        diffusivity, growth_rate, days = prior.draw(rng)
        theta = Theta.from_physical(origin, diffusivity, growth_rate, days)
        density = simulate(tissue, theta, threads=threads, ratio=prior.ratio)
        volume = visible_volume(VISIBLE, tissue, density)
        return Sample(theta, density, volume, origin, days) if volume > 0 else None

    refusal = f"none of {{attempts}} tumours has cells of density {VISIBLE}: the ranges are too low"
    yield from accepted(candidate, count, seed, refusal)
