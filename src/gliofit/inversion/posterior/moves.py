"""Markov steps of a population, until it has forgotten where it lay."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import Moments, Proposal, draw, log_density


class Stepped(NamedTuple):
    """
    A population after a step of each point.

    Parameters
    ----------
    points : Points
    accepted : int
        How many steps were.
    runs : int
        Likelihoods that it took.
    """

    points: Points
    accepted: int
    runs: int


Step = Callable[[Points, np.random.Generator], Stepped]


@runtime_checkable
class Kernel(Protocol):
    """Markov steps that are more than a proposal."""

    def of(self, density: Density, points: Points, power: float, moments: Moments, known: Points) -> Step:
        """The step of a stage, for a population under a power of the likelihood, from points whose own is known."""
        ...


def moved(
    density: Density,
    proposal: Proposal | Kernel,
    points: Points,
    power: float,
    moments: Moments,
    known: Points,
    rng: np.random.Generator,
    *,
    most: int,
    forgotten: float,
) -> tuple[Points, dict[str, float]]:
    """
    The points after as many steps as make them forget where they were.

    Parameters
    ----------
    density : Density
    proposal : Proposal or Kernel
    points : Points
    power : float
        Of the likelihood.
    moments : Moments
        Of the population under that power.
    known : Points
        Points whose likelihood is known: those that the population was drawn from.
    rng : Generator
    most : int
        Steps of each point, at most.
    forgotten : float
        Correlation with the start, of unknowns and of the population's principal axes, that is enough.

    Returns
    -------
    points : Points
    how : dict
        Share `accepted`, `runs` of the forward model, `moves` of each point, and the largest `correlation` left.
    """
    runs = 0
    if isinstance(proposal, Kernel):
        step = proposal.of(density, points, power, moments, known)
    else:
        if proposal.linearised and points.gradient is None:
            points, runs = _linearised(density, points)
        step = hastings(density, proposal, power, moments)
    axes = np.concatenate([np.eye(density.size), np.linalg.eigh(moments.covariance)[1].T])
    start, accepted, left, steps = points.unit @ axes.T, 0, 1.0, 0
    while steps < most and (steps == 0 or left > forgotten):
        points, taken, evaluated = step(points, rng)
        accepted, runs, steps = accepted + taken, runs + evaluated, steps + 1
        left = _correlation(start, points.unit @ axes.T)
    share = accepted / len(points) / steps
    return points, {"accepted": share, "runs": runs, "moves": steps, "correlation": left}


def _correlation(one: Array, two: Array) -> float:
    """The largest, of columns of the same number, that vary."""
    one, two = one - one.mean(0), two - two.mean(0)
    scale = np.sqrt((one**2).sum(0) * (two**2).sum(0))
    return max(float(np.max(np.divide((one * two).sum(0), scale, out=np.zeros_like(scale), where=scale > 0))), 0.0)


def hastings(density: Density, proposal: Proposal, power: float, moments: Moments) -> Step:
    """Steps by a proposal, accepted by Hastings' ratio."""

    def step(points: Points, rng: np.random.Generator) -> Stepped:
        steps = proposal.steps(points, power, moments)
        choice, chance = rng.random(len(points)), np.log(rng.random(len(points)))
        proposed, there = draw(*steps(points, choice), rng)
        legal = np.flatnonzero(density.supported(proposed))
        if not legal.size:
            return Stepped(points, 0, 0)
        new, old = density.evaluate(proposed[legal], proposal.linearised), points.take(legal)
        back = log_density(old.unit, *steps(new, choice[legal]))
        ratio = new.log_target(power) - old.log_target(power) + back - there[legal]
        accepted = chance[legal] < ratio
        return Stepped(points.replaced(legal[accepted], new.take(accepted)), int(accepted.sum()), len(legal))

    return step


def _linearised(density: Density, points: Points) -> tuple[Points, int]:
    """The same points with gradients, and how many likelihoods that took."""
    unit, back = np.unique(points.unit, axis=0, return_inverse=True)
    return density.evaluate(unit, linearised=True).take(back.ravel()), len(unit)
