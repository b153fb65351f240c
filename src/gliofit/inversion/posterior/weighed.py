"""
Samples of a posterior by adaptive importance sampling, with the imaging's unknowns integrated out.

Only the growth model's few unknowns cost runs of the solver. They are drawn from Student's t about the mode, whose
spread is that of the Gauss–Newton matrix; then, round after round, from an emulator of what has been found
(`gliofit.inversion.posterior.emulated`), with some from Student's t about it. All draws of all rounds are weighed by
the mixture of the rounds' distributions (Cornuet, Marin, Mira & Robert 2012, Scand. J. Stat. 39). The imaging's
unknowns are drawn for each density (`gliofit.inversion.posterior.imaging`). Weights are exact, whatever the draws
came from; where they are too uneven to be trusted, there are no samples.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import gammaln, logsumexp
from tqdm import tqdm

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.emulated import FLATTER, Emulator
from gliofit.inversion.posterior.imaging import Imaging
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.proposals import Moments, root_of
from gliofit.inversion.posterior.start import CUBE, precision_about
from gliofit.inversion.posterior.state import load_arrays, save_arrays
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Sampled, Settings

FREEDOM = 7.0
"""Degrees of freedom of Student's t: tails that a posterior seldom has more of."""

WIDER = 1.3
"""Times the covariance that is known, of Student's t."""

OF_T = 0.2
"""Share of the draws from Student's t where there is an emulator: what it has too low is reached all the same."""

CANDIDATES = 8000
"""Points from which those of an emulator are drawn by their weights."""

IMAGES = 4
"""Draws of the imaging's unknowns for each density."""

LEAST = 5
"""Effective draws for each unknown that a covariance is told from; with fewer, weights are made more even."""

A_ROUND, FEWEST = 0.375, 48
"""Draws of a round, of the effective ones that are asked for, and at least: an emulator needs some tens."""

HEAVIEST = 0.05
"""Share of all weight that one draw may have at the end."""

KEPT = 4
"""Points of the result, of the draws that were asked for: enough for drawing by weight to lose next to nothing."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """
    Draws of some rounds.

    Parameters
    ----------
    growth : ndarray [N, a]
        Unit coordinates of the unknowns that cost runs.
    log_mass : ndarray [N]
        Logarithm of their likelihood, the imaging integrated out.
    unit : ndarray [N, K, d]
        With draws of the imaging's.
    log_likelihood, log_imaging : ndarray [N, K]
        There, and the density that the imaging's were drawn with.
    counts : ndarray [R]
        Draws of each round.
    """

    growth: Array
    log_mass: Array
    unit: Array
    log_likelihood: Array
    log_imaging: Array
    counts: Array

    def joined(self, other: Drawn) -> Drawn:
        return Drawn(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))

    def first(self, rounds: int) -> Drawn:
        """Those of the first rounds alone."""
        number = int(self.counts[:rounds].sum())
        return Drawn(*(getattr(self, f.name)[: rounds if f.name == "counts" else number] for f in fields(self)))


class Source:
    """
    What one round draws from: Student's t, and an emulator if there is one; cut down to the prior.

    Parameters
    ----------
    mean : ndarray [a]
    covariance : ndarray [a, a]
    supported : function
        Points [B, a] → bool [B].
    emulator : Emulator, optional
    seed : sequence of int
    """

    def __init__(self, mean: Array, covariance: Array, supported: Any, emulator: Emulator | None, seed: Sequence[int]):
        self._mean, self._root = mean, root_of(WIDER * (FREEDOM - 2) / FREEDOM * covariance)
        self._emulator, self._rng = emulator, np.random.default_rng(seed)
        normal = self._rng.normal(size=(CUBE, len(mean))) @ self._root.T
        drawn = mean + normal * np.sqrt(FREEDOM / self._rng.chisquare(FREEDOM, (CUBE, 1)))
        self._inside = drawn[supported(drawn)]
        self._log_share = np.log(max(len(self._inside), 1) / CUBE)
        self._log_emulated = 0.0
        if emulator is not None:
            self._candidates = self._inside[:CANDIDATES]
            self._weights = FLATTER * emulator(self._candidates) - self._student(self._candidates)
            self._log_emulated = float(logsumexp(self._weights) - np.log(len(self._weights)))

    def draw(self, number: int) -> Array:
        """Points [number, a]."""
        if self._emulator is None:
            return self._inside[:number]
        of_t = round(OF_T * number)
        weights = np.exp(self._weights - logsumexp(self._weights))
        chosen = self._rng.choice(len(weights), number - of_t, replace=True, p=weights)
        return np.concatenate([self._candidates[chosen], self._inside[::-1][:of_t]])

    def log_density(self, points: Array) -> Array:
        """Of points [B, a] within the prior."""
        student = self._student(points)
        if self._emulator is None:
            return student
        emulated = FLATTER * self._emulator(points) - self._log_emulated
        return np.logaddexp(np.log(1 - OF_T) + emulated, np.log(OF_T) + student)

    def _student(self, points: Array) -> Array:
        size = len(self._mean)
        away = np.linalg.solve(self._root, (points - self._mean).T)
        scale = gammaln((FREEDOM + size) / 2) - gammaln(FREEDOM / 2) - size / 2 * np.log(FREEDOM * np.pi)
        scale -= np.log(np.diag(self._root)).sum() + self._log_share
        return scale - (FREEDOM + size) / 2 * np.log1p((away**2).sum(0) / FREEDOM)


def effective(log_weights: Array) -> float:
    """Number of draws of even weight that would do as well (Kish)."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


class _Rounds:
    """Draws and their sources, round after round."""

    def __init__(self, density: Posterior, mode: Points, settings: Settings):
        self.density, self.mode, self.settings = density, mode, settings
        self.imaging = Imaging(density, mode)
        self.drawn: Drawn | None = None
        self.sources: list[Source] = []

    def whole(self, growth: Array) -> Array:
        """Points [B, d] with the imaging's unknowns of the mode."""
        unit = np.tile(self.mode.unit[0], (len(growth), 1))
        unit[:, self.imaging.growth] = growth
        return unit

    def known(self, drawn: Drawn) -> None:
        """Take up draws of an earlier run."""
        for number in range(len(drawn.counts)):
            self.drawn = drawn.first(number) if number else None
            self.sources.append(self._source())
        self.drawn = drawn

    def next(self) -> bool:
        """One round more; False if what is drawn from hardly meets the prior."""
        number, seed = len(self.sources), self.settings.seed
        self.sources.append(self._source())
        growth = self.sources[-1].draw(max(round(A_ROUND * self.settings.samples), FEWEST))
        if len(growth) < FEWEST:
            return False

        def use(i: int, c: Array) -> tuple[float, Array, Array, Array]:
            given = self.imaging.given(c, np.random.default_rng([seed, 2, number, i]), IMAGES)
            unit = self.whole(np.tile(growth[i], (IMAGES, 1)))
            unit[:, self.imaging.others] = given.unit
            return given.log_mass, unit, self.density.of_density(c, unit), given.log_density

        values = self.density.parameters(self.whole(growth))[:, : self.density.problem.model.size]
        found = self.density.forward.densities(values, use)
        mass, unit, likelihood, imaging = (np.array(a) for a in zip(*found, strict=True))
        new = Drawn(growth, mass, unit, likelihood, imaging, np.array([len(growth)]))
        self.drawn = new if self.drawn is None else self.drawn.joined(new)
        return True

    def log_proposal(self) -> Array:
        """Density [N] of the mixture of all rounds' sources at all draws."""
        assert self.drawn is not None
        shares = np.log(self.drawn.counts / self.drawn.counts.sum())
        parts = [
            share + source.log_density(self.drawn.growth) for share, source in zip(shares, self.sources, strict=True)
        ]
        return logsumexp(parts, axis=0)

    def _source(self) -> Source:
        seed = [self.settings.seed, 1, len(self.sources)]
        growth = self.imaging.growth

        def supported(points: Array) -> Array:
            return self.density.supported(self.whole(points))

        if self.drawn is None:
            covariance = np.linalg.inv(precision_about(self.mode))[np.ix_(growth, growth)]
            return Source(self.mode.unit[0][growth], covariance, supported, None, seed)
        logs = self.drawn.log_mass - self.log_proposal()
        logs, power = logs - logs.max(), 1.0
        while effective(power * logs) < LEAST * len(growth) and power > 1e-3:
            power *= 0.8
        moments = Moments.of(self.drawn.growth, np.exp(power * logs))
        emulator = Emulator.of(Points(self.drawn.growth, self.drawn.log_mass), 1.0, moments)
        return Source(moments.mean, moments.covariance, supported, emulator, seed)


def weighed(
    density: Posterior,
    mode: Points,
    settings: Settings,
    rounds: int,
    checkpoint: str = "",
    config: Mapping[str, Any] | None = None,
) -> Sampled | None:
    """
    Samples, or None if after all rounds the weights are too uneven.

    Parameters
    ----------
    density : Posterior
    mode : Points
        One, with its Gauss–Newton matrix.
    settings : Settings
        `samples` effective draws, at least; `seed`.
    rounds : int
        At most.
    checkpoint : str
        Path; written after each round. None if empty.
    config : mapping
        JSON-ready: what the samples depend on beside `settings` and `rounds`.
    """
    begun, state = time.perf_counter(), _Rounds(density, mode, settings)
    path, names = Path(checkpoint) if checkpoint else None, [f.name for f in fields(Drawn)]
    record = json.dumps({"settings": repr(settings), "rounds": rounds, **(config or {})}, sort_keys=True)
    if path is not None and path.exists():
        kept = load_arrays(path, record, names)
        state.known(Drawn(*(kept[name] for name in names)))
    logs = np.zeros(0)
    with tqdm(desc="importance", unit="round", initial=len(state.sources), mininterval=1) as bar:
        while True:
            if state.drawn is not None:
                logs = state.drawn.log_mass - state.log_proposal()
                bar.set_postfix_str(f"effective {effective(logs):.0f}, runs {len(logs)}")
                if enough(logs, settings.samples):
                    return _result(state, time.perf_counter() - begun)
                if len(state.sources) >= rounds:
                    return None
            if not state.next():
                return None
            if path is not None and state.drawn is not None:
                save_arrays(path, {name: getattr(state.drawn, name) for name in names}, record)
            bar.update()


def enough(log_weights: Array, samples: int) -> bool:
    """Whether weights are even enough for so many samples."""
    heaviest = float(np.exp(log_weights.max() - logsumexp(log_weights)))
    return effective(log_weights) >= samples and heaviest <= HEAVIEST


def _result(state: _Rounds, seconds: float) -> Sampled:
    """Points of even weight, drawn from all by their weights."""
    found, density, settings = state.drawn, state.density, state.settings
    assert found is not None
    rng = np.random.default_rng([settings.seed, 3])
    logs = (found.log_likelihood - found.log_imaging - state.log_proposal()[:, None]).ravel()
    number, images = found.log_likelihood.shape
    weights = np.exp(logs - logsumexp(logs))
    kept = KEPT * settings.samples
    places = np.searchsorted(np.cumsum(weights), (np.arange(kept) + rng.random()) / kept).clip(max=logs.size - 1)
    by_draw = np.exp(logs - logs.max()).reshape(number, images).mean(1)
    share = float(np.mean(density.supported(rng.random((5 * CUBE, density.size)))))
    evidence = float(np.log(by_draw.mean()) + logs.max() - np.log(max(share, 0.2 / CUBE)))
    variation = float(by_draw.std() / by_draw.mean())
    error = variation / np.sqrt(number)
    stage = {"power": 1.0, "variation": variation, "accepted": 1.0, "runs": number, "moves": 0, "correlation": 0.0}
    stage |= {"rounds": len(state.sources), "seconds": seconds}
    family = np.unique(places // images, return_inverse=True)[1]
    unit, likelihood = found.unit.reshape(logs.size, -1)[places], found.log_likelihood.ravel()[places]
    least = float((by_draw**2).sum() / by_draw.sum() ** 2)
    return Sampled(unit, likelihood, family, evidence, error, (evidence, error), (stage,), number, least)
