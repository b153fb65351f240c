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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp
from tqdm import tqdm

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.posterior.ancestors import error_of_mean, families, variance_of_mean
from gliofit.inversion.posterior.evidence import bridged
from gliofit.inversion.posterior.moves import Kernel, moved
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import Moments, Proposal
from gliofit.inversion.posterior.state import State, load_state, save_state

SETTLING = 15
"""Stages at the full power, at most, whose points are left behind because the likelihood still climbs."""

CLIMBS = 1.0
"""Standard errors by which the mean log-likelihood of one population may exceed the other's."""

BRIDGE = 256
"""Draws, at most, that the evidence takes."""

SMALLEST_STEP = 1e-12
"""Of the power, where even that leaves the weights too uneven: as when most points have no likelihood at all."""


@dataclass(frozen=True)
class Settings:
    """
    Of a run.

    Parameters
    ----------
    samples : int
        Points, at the full power.
    variation : float
        Coefficient of variation of the weights of a stage.
    moves : int
        Markov steps of each point in each stage, at most.
    correlation : float
        A stage ends when no unknown and no principal axis of the population is correlated any more with itself at the
        stage's start; or with less than 2.5/√samples, which is noise.
    final : int
        Further stages at the full power, each of which adds `samples` points to the result. While the mean
        log-likelihood still climbs, they take the place of those before. 0: whether it does is not asked.
    first : int
        Points of the prior, in multiples of `samples`: what none of them comes near is not found.
    seed : int
    earlier : int
        Points of the stages before the full power, which lead there and are not kept. 0: as many.
    """

    samples: int
    variation: float = 1.0
    moves: int = 40
    correlation: float = 0.3
    final: int = 0
    first: int = 1
    seed: int = 0
    earlier: int = 0

    def __post_init__(self) -> None:
        for name, least in (("samples", 2), ("moves", 1), ("final", 0), ("first", 1), ("earlier", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise InputError(f"tmcmc: {name} = {value!r} must be a whole number of {least} or more")
        if not 0 < self.variation < np.inf:
            raise InputError(f"tmcmc: variation = {self.variation!r} must be a positive number")
        if not 0 < self.correlation <= 1:
            raise InputError(f"tmcmc: correlation = {self.correlation!r} must lie in (0, 1]")

    @property
    def forgotten(self) -> float:
        """Correlation with a stage's start that ends it."""
        return float(max(self.correlation, 2.5 / np.sqrt(self.samples)))


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
        By a bridge from the points to their normal approximation (`gliofit.inversion.posterior.evidence`).
    evidence_by_stages : (float, float)
        Its logarithm as the sum over the stages, with an error that knows nothing of a population that fell behind.
    stages : tuple of dict
    runs : int
        Evaluations of the likelihood.
    least : float
        Variance of the mean of the points, at least, for a quantity of variance 1.
    """

    unit: Array
    log_likelihood: Array
    chain: Array
    log_evidence: float
    log_evidence_error: float
    evidence_by_stages: tuple[float, float]
    stages: tuple[dict[str, float], ...]
    runs: int
    least: float = 0.0

    def error_of_mean(self, values: Array) -> Array:
        """
        Standard error [...] of the mean of values [M, ...] of the points.

        From how the offspring of common ancestors differ, or from what the moves left of each stage's start: whichever
        is larger.
        """
        return np.maximum(error_of_mean(values, self.chain), values.std(0) * np.sqrt(self.least))

    def effective(self, values: Array) -> Array:
        """Number [...] of independent points that would give the mean of values [M, ...] the same error."""
        error = self.error_of_mean(values)
        found = np.full(error.shape, float(len(values)))
        return np.divide(values.var(0), error**2, out=found, where=error > 0)


def sample(density: Density, proposal: Proposal | Kernel, settings: Settings, **options: Any) -> Sampled:
    """Sample a posterior: `staged`, and the evidence."""
    return result(density, staged(density, proposal, settings, **options), settings)


def staged(
    density: Density,
    proposal: Proposal | Kernel,
    settings: Settings,
    *,
    begin: Callable[[], State] | None = None,
    checkpoint: str | Path | None = None,
    config: Mapping[str, Any] | None = None,
    title: str = "tmcmc",
) -> State:
    """
    All stages.

    Parameters
    ----------
    density : Density
    proposal : Proposal or Kernel
    settings : Settings
    begin : function, optional
        Makes what the stages begin with, in place of draws from the density's own beginning.
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
    state = load_state(path, record) if path is not None and path.exists() else None
    if state is None and begin is not None:
        state = begin()
    with tqdm(desc=title, unit="stage", initial=0 if state is None else len(state.stages), mininterval=1) as bar:
        while state is None or state.power < 1 or _final(state) < settings.final:
            state = _first(density, settings) if state is None else _next(density, proposal, settings, state)
            if path is not None:
                save_state(path, state, record)
            last = state.stages[-1]
            bar.set_postfix_str(f"power {state.power:.2g}, accepted {last['accepted']:.0%}, runs {_runs(state)}")
            bar.update()
    return state


def _runs(state: State) -> int:
    return int(sum(stage["runs"] for stage in state.stages))


def _final(state: State) -> int:
    """Further steps that were done."""
    return len(state.points) // state.parents[-1].size - 1 if state.parents else 0


def next_power(gain: Array, power: float, variation: float) -> tuple[float, float]:
    """The next power, at most 1, and the weights' coefficient of variation there."""

    def of(step: float) -> float:
        weights = np.exp(step * (gain - gain.max()))
        return float(weights.std() / weights.mean())

    if of(1 - power) <= variation:
        return 1.0, of(1 - power)
    low, high = np.log(SMALLEST_STEP), np.log(1 - power)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if of(np.exp(middle)) < variation else (low, middle)
    step = float(np.exp(low))
    return min(power + step, 1.0), of(step)


def _first(density: Density, settings: Settings) -> State:
    """The prior."""
    begun = time.perf_counter()
    drawn = density.draw(np.random.default_rng([settings.seed, 0]), settings.first * settings.samples)
    points = density.evaluate(drawn)
    if not np.isfinite(points.log_likelihood).any():
        raise InputError("no point of the prior has a likelihood")
    stage = {"power": 0.0, "variation": 0.0, "accepted": 1.0, "runs": len(drawn), "moves": 0}
    stage |= {"correlation": 0.0, "seconds": time.perf_counter() - begun}
    return State(points, stages=(stage,))


def _next(density: Density, proposal: Proposal | Kernel, settings: Settings, state: State) -> State:
    """One stage, or, at the full power, one of the further steps."""
    begun = time.perf_counter()
    rng = np.random.default_rng([settings.seed, len(state.stages)])
    if state.power == 1:
        return _further(density, proposal, settings, state, rng, begun)
    points, number = state.points, len(state.points)
    power, variation = next_power(points.gain, state.power, settings.variation)
    logs = (power - state.power) * points.gain
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    family = families(state, number)
    moments = Moments.of(points.unit, weights)
    parents = _drawn(weights, settings.samples if power == 1 else settings.earlier or settings.samples, rng)
    most, forgotten = settings.moves, settings.forgotten
    begin = points.take(parents)
    points, how = moved(density, proposal, begin, power, moments, points, rng, most=most, forgotten=forgotten)
    return replace(
        state,
        points=points,
        power=power,
        log_evidence=state.log_evidence + float(logsumexp(logs) - np.log(number)),
        log_evidence_variance=state.log_evidence_variance + float(error_of_mean(number * weights, family)) ** 2,
        parents=(*state.parents, parents),
        stages=(*state.stages, _stage(power, variation, how, begun)),
    )


def _further(
    density: Density,
    proposal: Proposal | Kernel,
    settings: Settings,
    state: State,
    rng: np.random.Generator,
    begun: float,
) -> State:
    """The population of the last stage moved once more, and kept beside itself or, if it climbed, in its place."""
    number = state.parents[-1].size
    last = state.points.take(np.arange(len(state.points) - number, len(state.points)))
    most, forgotten = settings.moves, settings.forgotten
    moments, known = Moments.of(state.points.unit), state.points
    new, how = moved(density, proposal, last, 1.0, moments, known, rng, most=most, forgotten=forgotten)
    how["climbed"] = _climb(last.log_likelihood, new.log_likelihood)
    stages = (*state.stages, _stage(1.0, 0.0, how, begun))
    began = len(state.points) == number
    if began and how["climbed"] > CLIMBS and len(stages) - len(state.parents) <= SETTLING:
        return replace(state, points=new, stages=stages)
    return replace(state, points=Points.joined([state.points, new]), stages=stages)


def _climb(old: Array, new: Array) -> float:
    """How far the mean log-likelihood rose, in its standard error."""
    error = np.sqrt((old.var() + new.var()) / len(new))
    return float((new.mean() - old.mean()) / error) if error > 0 else 0.0


def _stage(power: float, variation: float, moved: dict[str, float], begun: float) -> dict[str, float]:
    return {"power": power, "variation": variation, **moved, "seconds": time.perf_counter() - begun}


def _drawn(weights: Array, number: int, rng: np.random.Generator) -> Array:
    """Places [B] drawn by weight, at even steps from a random start: each as often as its weight says, but for one."""
    places = np.searchsorted(np.cumsum(weights), (np.arange(number) + rng.random()) / number)
    return np.minimum(places, len(weights) - 1)


def result(density: Density, state: State, settings: Settings) -> Sampled:
    """What a run's last state means, with the evidence."""
    unit, likelihood = state.points.unit, state.points.log_likelihood
    family = np.tile(families(state, settings.samples), len(unit) // settings.samples)
    rng = np.random.default_rng([settings.seed, len(state.stages)])
    draws = min(settings.samples, BRIDGE)
    evidence, error, runs = bridged(density, unit, likelihood, family, draws, rng)
    by_stages = state.log_evidence, float(np.sqrt(state.log_evidence_variance))
    total, least = _runs(state) + runs, variance_of_mean(state)
    return Sampled(unit, likelihood, family, evidence, error, by_stages, state.stages, total, least)
