"""
Stages that begin with the posterior of a cheaper likelihood: the same solver on a coarser grid.

The stages of the costly likelihood start from samples of the cheap one, with weights that know it, so that they end
with the costly posterior. Their steps run a chain of the cheap posterior and take its end as one proposal (surrogate
transition: Liu 2001, Monte Carlo Strategies in Scientific Computing, Sec. 9.4.3; delayed acceptance: Christen & Fox
2005, J. Comput. Graph. Stat. 14). One costly run then goes as far as a whole chain, and what is cheap changes only how
long it takes. What the two differ by is learnt from the population of each stage, by a quadratic in the unknowns
(as the error model of Cui, Fox & O'Sullivan 2011, Water Resour. Res. 47), so that nearly all ends are accepted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.moves import Step, Stepped, hastings
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import Moments, Proposal, root_of
from gliofit.inversion.posterior.state import State

PER_TERM = 2
"""Points for each coefficient that is learnt."""

RIDGE = 1.0
"""Of the coefficients' squares, in units of the population's standard deviations."""


class Refined:
    """
    A costly likelihood whose stages begin with a cheap one's posterior.

    Parameters
    ----------
    density, cheap : Density
        Over the same cube, with the same support.
    """

    def __init__(self, density: Density, cheap: Density):
        self._density, self.cheap = density, cheap

    @property
    def size(self) -> int:
        return self._density.size

    def supported(self, unit: Array) -> Array:
        return self._density.supported(unit)

    def draw(self, rng: np.random.Generator, number: int) -> Array:
        return self._density.draw(rng, number)

    def evaluate(self, unit: Array, linearised: bool = False) -> Points:
        return self.refined(self.cheap.evaluate(unit))

    def refined(self, points: Points) -> Points:
        """Points of the cheap likelihood with both."""
        return Points(points.unit, self._density.evaluate(points.unit).log_likelihood, log_start=points.log_likelihood)

    def first(self, state: State) -> State:
        """Where the stages begin: with the last stage of a run on the cheap likelihood."""
        begun, number = time.perf_counter(), len(state.points)
        points = self.refined(state.points)
        stage = {"power": 0.0, "variation": 0.0, "accepted": 1.0, "runs": number, "coarser": 0, "moves": 0}
        stage |= {"correlation": 1.0, "seconds": time.perf_counter() - begun}
        before = ({**was, "runs": 0, "coarser": was["runs"]} for was in state.stages)
        parents = (*state.parents, np.arange(number))
        return replace(state, points=points, power=0.0, parents=parents, stages=(*before, stage))


@dataclass(frozen=True)
class Through:
    """
    Steps through chains of the cheap likelihood.

    Parameters
    ----------
    density : Refined
    proposal : Proposal
        Of the chain.
    length : int
        Its steps.
    """

    density: Refined
    proposal: Proposal
    length: int

    def __repr__(self) -> str:
        return f"Through({self.proposal!r}, {self.length})"

    def of(self, points: Points, power: float, moments: Moments) -> Step:
        difference = _Quadratic(points, moments)
        chain = hastings(_Corrected(self.density.cheap, power, difference), self.proposal, 1.0, moments)

        def step(points: Points, rng: np.random.Generator) -> Stepped:
            assert points.log_start is not None, "the cheap likelihood of every point is known"
            ends = Points(points.unit, points.log_start + power * difference(points.unit))
            coarser = 0
            for _ in range(self.length):
                ends, _, runs, _ = chain(ends, rng)
                coarser += runs
            chance = np.log(rng.random(len(points)))
            left = np.flatnonzero(np.any(ends.unit != points.unit, axis=1))
            if not left.size:
                return Stepped(points, 0, 0, coarser)
            offset = power * difference(ends.unit[left])
            new = self.density.refined(Points(ends.unit[left], ends.log_likelihood[left] - offset))
            old = points.take(left)
            gained = new.gain - old.gain - difference(new.unit) + difference(old.unit)
            accepted = chance[left] < power * gained
            taken = points.replaced(left[accepted], new.take(accepted))
            return Stepped(taken, int(accepted.sum()), len(left), coarser)

        return step


class _Corrected:
    """The cheap likelihood with what the costly one differs by, as far as a power of it counts."""

    def __init__(self, cheap: Density, power: float, difference: _Quadratic):
        self._cheap, self._power, self._difference = cheap, power, difference
        self.size, self.supported, self.draw = cheap.size, cheap.supported, cheap.draw

    def evaluate(self, unit: Array, linearised: bool = False) -> Points:
        points = self._cheap.evaluate(unit)
        return Points(points.unit, points.log_likelihood + self._power * self._difference(unit))


class _Quadratic:
    """A quadratic, or less where there are few points, in whitened unknowns, cut off at what it was learnt from."""

    def __init__(self, points: Points, moments: Moments):
        self._mean, self._root = moments.mean, np.linalg.inv(root_of(moments.covariance))
        unit, kept = np.unique(points.unit, axis=0, return_index=True)
        gain, size = points.gain[kept], unit.shape[1]
        unit, gain = unit[np.isfinite(gain)], gain[np.isfinite(gain)]
        sizes = (1 + size + size * (size + 1) // 2, 1 + size, 1)
        self._terms = next((n for n in sizes if PER_TERM * n <= len(gain)), 1)
        ridge = RIDGE * np.eye(self._terms)
        ridge[0, 0] = 1e-12
        rows = self._rows(unit)
        self._coefficients = np.linalg.solve(rows.T @ rows + ridge, rows.T @ gain)
        self._low, self._high = float(gain.min(initial=0)), float(gain.max(initial=0))

    def __call__(self, unit: Array) -> Array:
        return np.clip(self._rows(unit) @ self._coefficients, self._low, self._high)

    def _rows(self, unit: Array) -> Array:
        away = (unit - self._mean) @ self._root.T
        first, second = np.triu_indices(away.shape[1])
        rows = np.concatenate([np.ones((len(away), 1)), away, away[:, first] * away[:, second]], 1)
        return rows[:, : self._terms]
