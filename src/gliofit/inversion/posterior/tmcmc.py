"""
Transitional Markov chain Monte Carlo (Ching & Chen 2007; Betz, Papaioannou & Straub 2016, J. Eng. Mech. 142).

A population of points goes from the prior to the posterior in stages. Each raises the likelihood to a higher power, as
far as the weights of the points keep a coefficient of variation of 1; draws the points anew by their weights; and moves
each by a Markov step under the new power. The mean weights of all stages make the evidence.

A stage depends on the points before it, the seed and its number alone. So a run that was killed goes on from the last
complete stage to the same samples, and threads change nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp
from tqdm import tqdm

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import Proposal, draw, log_density
from gliofit.inversion.posterior.state import State, load_state, save_state

SMALLEST_STEP = 1e-12
"""Of the power, where even that leaves the weights too uneven: as when most points have no likelihood at all."""

ANCESTORS = 12
"""As many must be left for an error to be told from how their offspring differ."""


@dataclass(frozen=True)
class Settings:
    """
    Of a run.

    Parameters
    ----------
    samples : int
        Points.
    variation : float
        Coefficient of variation of the weights of a stage.
    moves : int
        Markov steps of each point in each stage.
    final : int
        Further steps at the end, each of which adds `samples` points to the result.
    first : int
        Points of the prior, in multiples of `samples`: what none of them comes near is not found.
    seed : int
    """

    samples: int
    variation: float = 1.0
    moves: int = 1
    final: int = 0
    first: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("samples", 2), ("moves", 1), ("final", 0), ("first", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise InputError(f"tmcmc: {name} = {value!r} must be a whole number of {least} or more")
        if not 0 < self.variation < np.inf:
            raise InputError(f"tmcmc: variation = {self.variation!r} must be a positive number")


@dataclass(frozen=True, eq=False)
class Sampled:
    """
    The posterior.

    Parameters
    ----------
    unit : ndarray [M, d]
        Points, all of the same weight.
    log_likelihood : ndarray [M]
    chain : int ndarray [M]
        Points of one chain have a common ancestor and are not independent.
    log_evidence, log_evidence_error : float
    stages : tuple of dict
    """

    unit: Array
    log_likelihood: Array
    chain: Array
    log_evidence: float
    log_evidence_error: float
    stages: tuple[dict[str, float], ...]

    @property
    def runs(self) -> int:
        """Evaluations of the likelihood."""
        return int(sum(stage["runs"] for stage in self.stages))

    def error_of_mean(self, values: Array) -> Array:
        """
        Standard error [...] of the mean of values [M, ...] of the points.

        From how sums over the offspring of common ancestors scatter (Olsson & Douc 2019, Bernoulli 25).
        """
        return _error_of_mean(values, self.chain)

    def effective(self, values: Array) -> Array:
        """Number [...] of independent points that would give the mean of values [M, ...] the same error."""
        error = self.error_of_mean(values)
        found = np.full(error.shape, float(len(values)))
        return np.divide(values.var(0), error**2, out=found, where=error > 0)


def sample(
    density: Density,
    proposal: Proposal,
    settings: Settings,
    *,
    checkpoint: str | Path | None = None,
    config: Mapping[str, Any] | None = None,
    title: str = "tmcmc",
) -> Sampled:
    """
    Sample a posterior.

    Parameters
    ----------
    density : Density
    proposal : Proposal
    settings : Settings
    checkpoint : path, optional
        Written after each stage; if it is there, the run goes on from it.
    config : mapping, optional
        JSON-ready: what the samples depend on beside `settings` and `proposal`. A checkpoint of another is refused.
    title : str
        Of the progress bar, on stderr.

    Raises
    ------
    InputError
        If the checkpoint is of another run or damaged, or no point of the prior has a likelihood.
    """
    path = Path(checkpoint) if checkpoint else None
    record = json.dumps({"settings": repr(settings), "proposal": repr(proposal), **(config or {})}, sort_keys=True)
    state = load_state(path, record) if path is not None and path.is_file() else None
    with tqdm(desc=title, unit="stage", initial=0 if state is None else len(state.stages), mininterval=1) as bar:
        while state is None or state.power < 1 or _final(state) < settings.final:
            state = _first(density, proposal, settings) if state is None else _next(density, proposal, settings, state)
            if path is not None:
                save_state(path, state, record)
            last = state.stages[-1]
            bar.set_postfix_str(f"power {state.power:.2g}, accepted {last['accepted']:.0%}, runs {_runs(state)}")
            bar.update()
    return _result(state, settings)


def _runs(state: State) -> int:
    return int(sum(stage["runs"] for stage in state.stages))


def _final(state: State) -> int:
    """Further steps that were done."""
    return len(state.points) // state.parents[-1].size - 1 if state.parents else 0


def next_power(log_likelihood: Array, power: float, variation: float) -> tuple[float, float]:
    """The next power, at most 1, and the weights' coefficient of variation there."""

    def of(step: float) -> float:
        weights = np.exp(step * (log_likelihood - log_likelihood.max()))
        return float(weights.std() / weights.mean())

    if of(1 - power) <= variation:
        return 1.0, of(1 - power)
    low, high = np.log(SMALLEST_STEP), np.log(1 - power)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if of(np.exp(middle)) < variation else (low, middle)
    step = float(np.exp(low))
    return min(power + step, 1.0), of(step)


def _first(density: Density, proposal: Proposal, settings: Settings) -> State:
    """The prior."""
    begun = time.perf_counter()
    drawn = density.draw(np.random.default_rng([settings.seed, 0]), settings.first * settings.samples)
    points = density.evaluate(drawn)
    if not np.isfinite(points.log_likelihood).any():
        raise InputError("no point of the prior has a likelihood")
    stage = {"power": 0.0, "variation": 0.0, "accepted": 1.0, "runs": len(drawn)}
    return State(points, stages=({**stage, "seconds": time.perf_counter() - begun},))


def _next(density: Density, proposal: Proposal, settings: Settings, state: State) -> State:
    """One stage, or, at the full power, one of the further steps."""
    begun = time.perf_counter()
    rng = np.random.default_rng([settings.seed, len(state.stages)])
    if state.power == 1:
        return _further(density, proposal, state, rng, begun)
    points, number = state.points, len(state.points)
    power, variation = next_power(points.log_likelihood, state.power, settings.variation)
    logs = (power - state.power) * points.log_likelihood
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    family = _families(state.parents, number)
    covariance = np.cov(points.unit.T, aweights=weights, bias=True).reshape(density.size, density.size)
    parents = _drawn(weights, settings.samples, rng)
    points = points.take(parents)
    accepted = runs = 0
    if proposal.linearised and points.gradient is None:
        points, runs = _linearised(density, points)
    for _ in range(settings.moves):
        points, taken, evaluated = _move(density, proposal, points, power, covariance, rng)
        accepted, runs = accepted + taken, runs + evaluated
    return replace(
        state,
        points=points,
        power=power,
        log_evidence=state.log_evidence + float(logsumexp(logs) - np.log(number)),
        log_evidence_variance=state.log_evidence_variance + float(_error_of_mean(number * weights, family)) ** 2,
        parents=(*state.parents, parents),
        stages=(*state.stages, _stage(power, variation, accepted / settings.samples / settings.moves, runs, begun)),
    )


def _further(density: Density, proposal: Proposal, state: State, rng: np.random.Generator, begun: float) -> State:
    """The population of the last stage moved once more, and kept beside itself."""
    number = state.parents[-1].size
    last = state.points.take(np.arange(len(state.points) - number, len(state.points)))
    covariance = np.cov(state.points.unit.T).reshape(density.size, density.size)
    moved, taken, runs = _move(density, proposal, last, 1.0, covariance, rng)
    stage = _stage(1.0, 0.0, taken / number, runs, begun)
    return replace(state, points=Points.joined([state.points, moved]), stages=(*state.stages, stage))


def _stage(power: float, variation: float, accepted: float, runs: int, begun: float) -> dict[str, float]:
    seconds = time.perf_counter() - begun
    return {"power": power, "variation": variation, "accepted": accepted, "runs": runs, "seconds": seconds}


def _drawn(weights: Array, number: int, rng: np.random.Generator) -> Array:
    """Places [B] drawn by weight, at even steps from a random start: each as often as its weight says, but for one."""
    places = np.searchsorted(np.cumsum(weights), (np.arange(number) + rng.random()) / number)
    return np.minimum(places, len(weights) - 1)


def _linearised(density: Density, points: Points) -> tuple[Points, int]:
    """The same points with gradients, and how many likelihoods that took."""
    unit, back = np.unique(points.unit, axis=0, return_inverse=True)
    return density.evaluate(unit, linearised=True).take(back.ravel()), len(unit)


def _move(
    density: Density, proposal: Proposal, points: Points, power: float, covariance: Array, rng: np.random.Generator
) -> tuple[Points, int, int]:
    """A Markov step of each point; how many were accepted, and how many likelihoods it took."""
    steps = proposal.steps(points, power, covariance)
    choice, chance = rng.random(len(points)), np.log(rng.random(len(points)))
    proposed, there = draw(*steps(points, choice), rng)
    legal = np.flatnonzero(density.supported(proposed))
    if not legal.size:
        return points, 0, 0
    new, old = density.evaluate(proposed[legal], proposal.linearised), points.take(legal)
    back = log_density(old.unit, *steps(new, choice[legal]))
    ratio = power * (new.log_likelihood - old.log_likelihood) + back - there[legal]
    accepted = chance[legal] < ratio
    return points.replaced(legal[accepted], new.take(accepted)), int(accepted.sum()), len(legal)


def _result(state: State, settings: Settings) -> Sampled:
    family = _families(state.parents, settings.samples)
    return Sampled(
        state.points.unit,
        state.points.log_likelihood,
        np.tile(family, len(state.points) // settings.samples),
        state.log_evidence,
        float(np.sqrt(state.log_evidence_variance)),
        state.stages,
    )


def _families(parents: tuple[Array, ...], number: int) -> Array:
    """Which of the last points have a common ancestor, as far back as enough ancestors are left; from 0 on [B]."""
    family = np.arange(number)  # of the last stage, or of the prior
    for before in reversed(parents):
        older = before[family]
        if np.unique(older).size < min(ANCESTORS, number):
            break
        family = older
    return np.unique(family, return_inverse=True)[1]


def _error_of_mean(values: Array, family: Array) -> Array:
    away = values - values.mean(0)
    sums = np.zeros((int(family.max()) + 1, *away.shape[1:]))
    np.add.at(sums, family, away)
    return np.sqrt((sums**2).sum(0)) / len(values)
