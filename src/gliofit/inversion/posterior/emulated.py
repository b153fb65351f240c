"""
Steps through chains of an emulator: a run of the solver goes as far as a whole chain.

The logarithm of a stage's density is smooth in few unknowns. So it is learnt, at each step anew, from points whose
likelihood is known: a polynomial and, on top, radial basis functions, smoothed as far as points left out ask for. A
chain of the emulator costs next to nothing; its end is one proposal, accepted by the likelihood itself (surrogate
transition: Liu 2001, Monte Carlo Strategies in Scientific Computing, Sec. 9.4.3; delayed acceptance: Christen & Fox
2005, J. Comput. Graph. Stat. 14). So an emulator that is wrong costs runs, and leaves the posterior as it is.

That holds for an emulator that does not depend on where a point is. So the population has two halves, and each moves by
an emulator of what the other has seen (as Goodman & Weare 2010, Commun. Appl. Math. Comput. Sci. 5). One that had
seen the point itself would be right there and too low around it, where there are few others: points would leave the
tails, and none would come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import gammaincinv

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.moves import Step, Stepped, hastings
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import Moments, Proposal, root_of

PER_TERM = 1.5
"""Points for each coefficient of the polynomial."""

MOST = 2000
"""Points that an emulator is learnt from, the latest: its time goes with their third power."""

FLATTER = 0.85
"""Power of the emulator that chains sample: tails that it has too low are reached all the same."""

TYPICAL = 0.999
"""Share of a normal density that is as near to its height, in logarithm, as points must be that an emulator is for."""

SMOOTHING = (1e-2, 1e0, 1e1, 1e2, 1e3, 1e5)
"""Of the radial functions, r³ in the population's standard deviations: tried."""

TRIED = 600
"""Points, at most, that the smoothing is chosen with; a quarter of them is left out."""


@dataclass(frozen=True)
class Emulated:
    """
    Steps through chains of an emulator.

    Parameters
    ----------
    proposal : Proposal
        Of the chain.
    length : int
        Its steps.
    """

    proposal: Proposal
    length: int

    def of(self, density: Density, points: Points, power: float, moments: Moments, known: Points) -> Step:
        plain = hastings(density, self.proposal, power, moments)
        of_known, of_points = _halves(known.unit, points.unit)
        seen = [[known.take(np.flatnonzero(of_known == half))] for half in (0, 1)]

        def step(points: Points, rng: np.random.Generator) -> Stepped:
            accepted, runs = 0, 0
            for half in (0, 1):
                here = np.flatnonzero(of_points == half)
                others = points.take(np.flatnonzero(of_points != half))
                emulator = Emulator.of(Points.joined([*seen[1 - half], others]), power, moments)
                if emulator is None:
                    rest = plain(points, rng)
                    return Stepped(rest.points, accepted + rest.accepted, runs + rest.runs)
                moved, new = self._through(density, emulator, points.take(here), power, moments, rng)
                points = points.replaced(here, moved.points)
                seen[half].append(new)
                accepted, runs = accepted + moved.accepted, runs + moved.runs
            return Stepped(points, accepted, runs)

        return step

    def _through(
        self,
        density: Density,
        emulator: Emulator,
        points: Points,
        power: float,
        moments: Moments,
        rng: np.random.Generator,
    ) -> tuple[Stepped, Points]:
        """Points after a chain each, and the chains' ends, with their likelihoods."""
        chain = hastings(_Emulation(density, emulator), self.proposal, 1.0, moments)
        begun = _Emulation(density, emulator).evaluate(points.unit)
        ends = begun
        for _ in range(self.length):
            ends = chain(ends, rng).points
        chance = np.log(rng.random(len(points)))
        left = np.flatnonzero(np.any(ends.unit != points.unit, axis=1))
        if not left.size:
            return Stepped(points, 0, 0), points.take(left)
        new, old = density.evaluate(ends.unit[left]), points.take(left)
        gained = new.log_target(power) - old.log_target(power)
        accepted = chance[left] < gained - (ends.log_likelihood - begun.log_likelihood)[left]
        return Stepped(points.replaced(left[accepted], new.take(accepted)), int(accepted.sum()), len(left)), new


def _halves(*units: Array) -> list[Array]:
    """Of points [B, d] in each of some arrays 0 or 1; the same of those that are the same."""
    rows, which = np.unique(np.concatenate(units), axis=0, return_inverse=True)
    half = (np.arange(len(rows)) % 2)[which.ravel()]
    return np.split(half, np.cumsum([len(unit) for unit in units])[:-1])


class Emulator:
    """
    The logarithm of a stage's density, from points.

    Parameters
    ----------
    unit : ndarray [B, d]
    value : ndarray [B]
    moments : Moments
        In whose standard deviations distances are told.

    Attributes
    ----------
    error : float
        Standard deviation at points that were left out.
    """

    def __init__(self, unit: Array, value: Array, moments: Moments):
        self._mean, self._root = moments.mean, np.linalg.inv(root_of(moments.covariance))
        away = self._away(unit)
        self._most, self._farthest = float(value.max()), float((away**2).sum(1).max())
        tried = np.random.default_rng(0).permutation(len(away))[:TRIED]
        out, rest = np.split(tried, [len(tried) // 4])
        out = out[value[out] >= self._most - typical(unit.shape[1])]
        self.error, degree, smoothing = np.inf, 1, SMOOTHING[-1]
        for d, s in product(_degrees(unit.shape[1], len(rest)) if out.size else [], SMOOTHING):
            error = float(np.std(_fitted(away[rest], value[rest], d, s)(away[out]) - value[out]))
            if error < self.error:
                self.error, degree, smoothing = error, d, s
        self._fitted = _fitted(away, value, degree, smoothing)

    @classmethod
    def of(cls, points: Points, power: float, moments: Moments) -> Emulator | None:
        """The emulator of a stage, from the last of some points; none where there are too few for a plane."""
        values, size = points.log_target(power), points.unit.shape[1]
        # what lies far below is of no use, and bends what is learnt
        latest = np.flatnonzero(values >= values.max() - 2 * typical(size))[::-1]
        order = latest[np.sort(np.unique(points.unit[latest], axis=0, return_index=True)[1])][:MOST]
        return cls(points.unit[order], values[order], moments) if _degrees(size, 3 * order.size // 4) else None

    def __call__(self, unit: Array) -> Array:
        """Logarithm [B], no higher than any that is known; past the farthest point it falls off."""
        away = self._away(unit)
        past = np.maximum((away**2).sum(1) - self._farthest, 0)
        return np.minimum(self._fitted(away), self._most) - past / 2

    def _away(self, unit: Array) -> Array:
        return (unit - self._mean) @ self._root.T


class _Emulation:
    """An emulator as a density, where the true one is."""

    def __init__(self, density: Density, emulator: Emulator):
        self._emulator = emulator
        self.size, self.supported, self.draw = density.size, density.supported, density.draw

    def evaluate(self, unit: Array, linearised: bool = False) -> Points:
        return Points(unit, FLATTER * self._emulator(unit))


def typical(size: int) -> float:
    """How far below its height, in logarithm, a normal density of so many unknowns reaches."""
    return float(gammaincinv(size / 2, TYPICAL))  # half of χ²'s quantile


def _degrees(size: int, number: int) -> list[int]:
    """Of polynomials that a number of points tells."""
    terms = {1: 1 + size, 2: 1 + size + size * (size + 1) // 2}
    return [degree for degree, count in terms.items() if PER_TERM * count <= number]


def _fitted(away: Array, value: Array, degree: int, smoothing: float) -> Callable[[Array], Array]:
    from scipy.interpolate import RBFInterpolator  # with scipy.optimize, which the registry of methods needs not

    return RBFInterpolator(away, value, kernel="cubic", degree=degree, smoothing=smoothing)
