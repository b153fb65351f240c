"""
Synthetic tumours: θ drawn from a prior, grown by the numerical solver, and kept if a scan could have shown them.

The paper publishes neither its sampling ranges nor its stopping rule (reference: training means μ_D 12.8 mm, μ_ρ 3.8; a
stopping volume). Here θ is uniform in a box and a tumour is kept when the volume of c > 0.25 – what FLAIR shows – is
5–250 ml. How large patients' tumours are was looked up in five public segmentations only (26.5–154.5 ml,
`gliofit/reporting/figures/segmented_volumes.csv`): they lie within, and say nothing of how volumes are distributed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth import simulate
from gliofit.growth.ranges import PRIOR_MU_D, PRIOR_MU_RHO
from gliofit.growth.theta import Theta
from gliofit.observation.thresholds import VISIBLE

SPLITS = ("train", "validation", "test")
"""Their position in this tuple is part of each sample's seed: no two splits share a sample."""

ATTEMPTS = 1000
"""A prior that rejects this many candidates in a row does not fit the anatomy."""


def ascending(what: str, limits: Sequence[float]) -> tuple[float, float]:
    """A range as floats; InputError, beginning with `what` it is, if it is not positive and ascending."""
    low, high = (float(v) for v in limits)
    if not 0 < low < high < np.inf:
        raise InputError(f"{what} = {low:g} … {high:g} must be positive and ascending")
    return low, high


@dataclass(frozen=True)
class Prior:
    """
    What tumours look like before any scan.

    The origin is uniform over tissue (a voxel is drawn with weight p_WM + p_GM, then a point within it); μ_D and μ_ρ
    are uniform in their ranges, independent of it, under the condition that the tumour is visible and fits into a head.
    On SRI24 at 4 mm half of all candidates are accepted; the accepted volumes of c > 0.25 have a median of 85 ml and
    8–209 ml as their 5–95 % range.

    Parameters
    ----------
    mu_D : tuple of float
        Range of μ_D, mm. Below 2 mm the front is thinner than a voxel; above 25 mm hardly any tumour is accepted.
    mu_rho : tuple of float
        Range of μ_ρ. Below 1.5 a seed hardly grows (exp(1.5²) ≈ 9.5 times); above 6 tumours of the accepted size have
        μ_D < 5 mm only.
    volume : tuple of float
        Accepted volume of c > `visible`, ml.
    visible : float
        Density at the edge of what FLAIR shows (0.25, Weidner 2026 and GliODIL).
    reach : float
        The origin lies within this distance (mm, per axis) of the centre of mass, where inversions seek it.
    longest_wave : float
        No candidate has 2·μ_D·μ_ρ above this (mm), the distance a front travels in white matter: none of 300
        candidates above 122 mm was accepted, and they are the costly ones to simulate.
    """

    mu_D: tuple[float, float] = PRIOR_MU_D
    mu_rho: tuple[float, float] = PRIOR_MU_RHO
    volume: tuple[float, float] = (5.0, 250.0)
    visible: float = VISIBLE
    reach: float = 40.0
    longest_wave: float = 150.0

    def __post_init__(self) -> None:
        for name in ("mu_D", "mu_rho", "volume"):
            object.__setattr__(self, name, ascending(f"prior: the range {name}", getattr(self, name)))
        if 2 * self.mu_D[0] * self.mu_rho[0] > self.longest_wave:
            raise InputError(f"prior: longest_wave = {self.longest_wave:g} mm excludes every μ_D and μ_ρ of the ranges")

    @property
    def box(self) -> Box:
        """Bounds of [x, y, z, μ_D, μ_ρ], the origin in mm relative to the centre of mass."""
        return Box(
            np.array([*[-self.reach] * 3, self.mu_D[0], self.mu_rho[0]]),
            np.array([*[self.reach] * 3, self.mu_D[1], self.mu_rho[1]]),
        )

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Sample:
    """
    A tumour.

    Parameters
    ----------
    theta : Theta
    density : ndarray [x, y, z]
        On the tissue's whole grid, float32 in [0, 1].
    volume : float
        Of c > the prior's `visible`, ml.
    centre : ndarray (3,)
        Centre of mass, mm.
    days : float, optional
        How long it grew, if its prior says so: D_w and ρ then follow from θ.
    attempts : int
        Candidates drawn for it, itself included: their mean is one over the acceptance rate.
    seed : tuple of int
        Entropy of its random generator.
    """

    theta: Theta
    density: Array
    volume: float
    centre: Array
    days: float | None = None
    attempts: int = 1
    seed: tuple[int, ...] = ()


class OriginSampler:
    """Draws points of the tissue, uniform per unit of p_WM + p_GM."""

    def __init__(self, tissue: Tissue):
        weights = np.where(tissue.mask, tissue.wm + tissue.gm, 0).astype(np.float64).ravel()
        if not weights.any():
            raise InputError("the anatomy has no tissue for a tumour to begin in")
        self.tissue = tissue
        self.cumulative = np.cumsum(weights) / weights.sum()

    def draw(self, rng: np.random.Generator) -> Array:
        """A point (3,) in world mm, anywhere within the drawn voxel."""
        flat = int(np.searchsorted(self.cumulative, rng.random(), side="right"))
        voxel = np.array(np.unravel_index(flat, self.tissue.shape)) + rng.uniform(-0.5, 0.5, 3)
        return self.tissue.to_world(voxel)


def draw(prior: Prior, origins: OriginSampler, rng: np.random.Generator) -> Theta:
    """One candidate θ, before its volume is known."""
    origin = origins.draw(rng)
    while True:
        mu_D, mu_rho = rng.uniform(*prior.mu_D), rng.uniform(*prior.mu_rho)
        if 2 * mu_D * mu_rho <= prior.longest_wave:
            return Theta(tuple(origin), mu_D, mu_rho)


def accepted(
    candidate: Callable[[np.random.Generator], Sample | None], count: int, seed: Sequence[int], refusal: str
) -> Iterator[Sample]:
    """
    The first candidates that are accepted, one after another.

    Sample `index` is drawn by a generator of its own, seeded with (*seed, index): it depends on nothing else, neither
    on the number of cores nor on the samples before it.

    Parameters
    ----------
    candidate : callable of a generator → Sample or None
        Draws and grows a tumour; None if it is not to be accepted.
    count : int
    seed : sequence of int
        Not negative.
    refusal : str
        What to say if none is accepted, with a place `{attempts}` for their number.

    Raises
    ------
    InputError
        If `ATTEMPTS` candidates in a row are not accepted.
    """
    for index in range(count):
        key = (*(int(v) for v in seed), index)
        rng = np.random.default_rng(np.random.SeedSequence(key))
        tried = ((attempt, candidate(rng)) for attempt in range(1, ATTEMPTS + 1))
        attempt, found = next((pair for pair in tried if pair[1] is not None), (ATTEMPTS, None))
        if found is None:
            raise InputError(refusal.format(attempts=ATTEMPTS))
        yield replace(found, attempts=attempt, seed=key)


def within(prior: Prior, tissue: Tissue, theta: Theta, density: Array, days: float | None = None) -> Sample | None:
    """The tumour as a sample, if its volume and the distance of its origin from its centre are the prior's."""
    volume = visible_volume(prior.visible, tissue, density)
    if prior.volume[0] <= volume <= prior.volume[1]:
        centre = tissue.centre_of_mass(density)
        if np.all(np.abs(np.array(theta.origin) - centre) <= prior.reach):
            return Sample(theta, density, volume, centre, days)
    return None


def visible_volume(level: float, tissue: Tissue, density: Array) -> float:
    """Volume of c > `level`, ml, of a density [x, y, z]."""
    return float(np.count_nonzero(density > level)) * (float(np.prod(tissue.spacing)) / 1000)


def samples(
    tissue: Tissue, prior: Prior, count: int, seed: int | tuple[int, ...], *, threads: int = 1
) -> Iterator[Sample]:
    """
    Accepted tumours, one after another, seeded as by `accepted`.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid.
    prior : Prior
    count : int
    seed : int or tuple of int
        Not negative.
    threads : int
        For the solver.

    Raises
    ------
    InputError
        If the prior rejects 1000 candidates in a row, or the anatomy is empty.
    """
    entropy = (seed,) if isinstance(seed, int | np.integer) else tuple(seed)
    origins = OriginSampler(tissue)

    def candidate(rng: np.random.Generator) -> Sample | None:
        theta = draw(prior, origins, rng)
        return within(prior, tissue, theta, simulate(tissue, theta, threads=threads))

    refusal = (
        f"the prior accepted none of {{attempts}} candidates: volumes of {prior.volume[0]:g}–{prior.volume[1]:g} ml do "
        "not go with its ranges of μ_D and μ_ρ on this anatomy"
    )
    yield from accepted(candidate, count, entropy, refusal)


def edge_samples(
    tissue: Tissue, prior: Prior, count: int, seed: int | tuple[int, ...], *, beyond: float = 0.0, threads: int = 1
) -> Iterator[Sample]:
    """
    Tumours at the prior's edges or beyond, where networks have seen little or nothing.

    In turn, μ_D is at its lower and at its upper bound and μ_ρ at its upper one; the rest is drawn as by `samples`. (At
    μ_ρ's lower bound no tumour grows to a volume that the prior accepts.)

    Parameters
    ----------
    tissue, prior, count, seed, threads
        As for `samples`.
    beyond : float
        Upper bounds are multiplied, lower ones divided by 1 + beyond, and so is the largest volume; 0: the edge itself.
    """
    step = 1.0 + beyond
    wide = replace(prior, volume=(prior.volume[0], step * prior.volume[1]), longest_wave=step**2 * prior.longest_wave)
    edges = (("mu_D", prior.mu_D[0] / step), ("mu_D", prior.mu_D[1] * step), ("mu_rho", prior.mu_rho[1] * step))
    for index in range(count):
        name, bound = edges[index % 3]
        # a range as narrow as floats allow, so that drawing from it gives the bound
        narrow: dict[str, Any] = {name: (bound, np.nextafter(bound, np.inf))}
        there = replace(wide, **narrow)
        yield from samples(tissue, there, 1, (*np.atleast_1d(seed).tolist(), index), threads=threads)


def sample(
    tissue: Tissue, prior: Prior, n: int, seed: int | tuple[int, ...], *, threads: int = 1
) -> list[tuple[Theta, Array]]:
    """
    `n` accepted tumours as (θ, density [x, y, z]); see `samples` for the parameters and the seeding.
    """
    return [(s.theta, s.density) for s in samples(tissue, prior, n, seed, threads=threads)]
