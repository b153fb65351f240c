"""
Samples of a posterior by adaptive importance sampling, with the imaging's unknowns integrated out.

Only the growth model's few unknowns cost runs of the solver. They are drawn from Student's t about the mode, whose
spread is that of the Gauss–Newton matrix; then from Student's t about what these draws have found, round after round
(Cornuet, Marin, Mira & Robert 2012, Scand. J. Stat. 39). All draws of all rounds are weighed by the mixture of the
rounds' distributions. The imaging's unknowns are drawn for each density (`gliofit.inversion.posterior.imaging`).
Weights are exact, whatever the draws came from; where they are too uneven to be trusted, there are no samples.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import gammaln, logsumexp
from tqdm import tqdm

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.imaging import Imaging
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.proposals import root_of
from gliofit.inversion.posterior.start import CUBE, precision_about
from gliofit.inversion.posterior.state import load_arrays, save_arrays
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Sampled, Settings

FREEDOM = 7.0
"""Degrees of freedom of Student's t: tails that a posterior seldom has more of."""

WIDER = 1.2
"""Times the covariance that is known, of the draws."""

IMAGES = 4
"""Draws of the imaging's unknowns for each density."""

LEAST = 5
"""Effective draws for each unknown that a covariance is told from; with fewer, weights are made more even."""

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
    rounds : ndarray [R, 2 + a + a²]
        Of each round: its number of draws, the logarithm of the prior's share of its distribution, centre and root.
    """

    growth: Array
    log_mass: Array
    unit: Array
    log_likelihood: Array
    log_imaging: Array
    rounds: Array

    def joined(self, other: Drawn) -> Drawn:
        return Drawn(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))

    @property
    def log_proposal(self) -> Array:
        """Density [N] of the mixture of all rounds' distributions, each cut down to the prior."""
        size = self.growth.shape[1]
        parts = [
            np.log(row[0] / len(self.growth)) - row[1] + _student(self.growth, row[2 : 2 + size], row[2 + size :])
            for row in self.rounds
        ]
        return logsumexp(parts, axis=0)

    @property
    def log_weights(self) -> Array:
        """Of the draws of the growth model's unknowns [N], not normalised."""
        return self.log_mass - self.log_proposal


def effective(log_weights: Array) -> float:
    """Number of draws of even weight that would do as well (Kish)."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


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
        `samples` runs a round, until as many effective draws are there; `seed`.
    rounds : int
        At most.
    checkpoint : str
        Path; written after each round. None if empty.
    config : mapping
        JSON-ready: what the samples depend on beside `settings` and `rounds`.
    """
    imaging = Imaging(density, mode)
    path = Path(checkpoint) if checkpoint else None
    record = json.dumps({"settings": repr(settings), "rounds": rounds, **(config or {})}, sort_keys=True)
    names = [f.name for f in fields(Drawn)]
    found = None
    if path is not None and path.exists():
        kept = load_arrays(path, record, names)
        found = Drawn(*(kept[name] for name in names))
    begun = time.perf_counter()
    with tqdm(desc="importance", unit="round", initial=0 if found is None else len(found.rounds), mininterval=1) as bar:
        while found is None or (len(found.rounds) < rounds and not _enough(found, settings.samples)):
            number = 0 if found is None else len(found.rounds)
            centre, covariance = _first(imaging, mode) if found is None else _moments(found)
            new = _round(density, imaging, mode, centre, covariance, settings, number)
            found = new if found is None else found.joined(new)
            if path is not None:
                save_arrays(path, {name: getattr(found, name) for name in names}, record)
            bar.set_postfix_str(f"effective {effective(found.log_weights):.0f}, runs {len(found.growth)}")
            bar.update()
    return _result(density, found, settings, time.perf_counter() - begun) if _enough(found, settings.samples) else None


def _enough(found: Drawn, samples: int) -> bool:
    logs = found.log_weights
    heaviest = float(np.exp(logs.max() - logsumexp(logs)))
    return effective(logs) >= samples and heaviest <= HEAVIEST


def _first(imaging: Imaging, mode: Points) -> tuple[Array, Array]:
    """Centre and covariance of Laplace's approximation, of the unknowns that cost runs."""
    covariance = np.linalg.inv(precision_about(mode))
    return mode.unit[0][imaging.growth], covariance[np.ix_(imaging.growth, imaging.growth)]


def _moments(found: Drawn) -> tuple[Array, Array]:
    """… of what the draws have found."""
    logs = found.log_weights
    logs = logs - logs.max()
    least = LEAST * found.growth.shape[1]
    power = 1.0
    while effective(power * logs) < least and power > 1e-3:
        power *= 0.8
    weights = np.exp(power * logs)
    size = found.growth.shape[1]
    covariance = np.cov(found.growth.T, aweights=weights, bias=True).reshape(size, size)
    return np.average(found.growth, axis=0, weights=weights), covariance


def _round(
    density: Posterior,
    imaging: Imaging,
    mode: Points,
    centre: Array,
    covariance: Array,
    settings: Settings,
    number: int,
) -> Drawn:
    """One round's draws."""
    rng = np.random.default_rng([settings.seed, 1, number])
    root = root_of(WIDER * (FREEDOM - 2) / FREEDOM * covariance)

    def whole(growth: Array) -> Array:
        unit = np.tile(mode.unit[0], (len(growth), 1))
        unit[:, imaging.growth] = growth
        return unit

    tried = _draw(rng, centre, root, CUBE)
    inside = tried[density.supported(whole(tried))]
    log_share = np.log(max(len(inside), 1) / CUBE)
    growth = inside[: settings.samples]

    def use(i: int, c: Array) -> tuple[float, Array, Array, Array]:
        given = imaging.given(c, np.random.default_rng([settings.seed, 2, number, i]), IMAGES)
        unit = whole(np.tile(growth[i], (IMAGES, 1)))
        unit[:, imaging.others] = given.unit
        return given.log_mass, unit, density.of_density(c, unit), given.log_density

    values = density.parameters(whole(growth))[:, : density.problem.model.size]
    masses, unit, likelihood, log_imaging = zip(*density.forward.densities(values, use), strict=True)
    row = np.concatenate([[len(growth), log_share], centre, root.ravel()])
    return Drawn(growth, *(np.array(a) for a in (masses, unit, likelihood, log_imaging)), row[None])


def _result(density: Posterior, found: Drawn, settings: Settings, seconds: float) -> Sampled:
    """Points of even weight, drawn from all by their weights."""
    rng = np.random.default_rng([settings.seed, 3])
    logs = (found.log_likelihood - found.log_imaging - found.log_proposal[:, None]).ravel()
    number, images = found.log_likelihood.shape
    weights = np.exp(logs - logsumexp(logs))
    kept = KEPT * settings.samples
    places = np.searchsorted(np.cumsum(weights), (np.arange(kept) + rng.random()) / kept).clip(max=logs.size - 1)
    by_draw = np.exp(logs - logs.max()).reshape(number, images).mean(1)
    share = float(np.mean(density.supported(rng.random((5 * CUBE, density.size)))))
    evidence = float(np.log(by_draw.mean()) + logs.max() - np.log(max(share, 0.2 / CUBE)))
    error = float(by_draw.std() / by_draw.mean() / np.sqrt(number))
    stage = {"power": 1.0, "variation": float(by_draw.std() / by_draw.mean()), "accepted": 1.0, "runs": number}
    stage |= {"moves": 0, "correlation": 0.0, "rounds": len(found.rounds), "seconds": seconds}
    family = np.unique(places // images, return_inverse=True)[1]
    unit, likelihood = found.unit.reshape(logs.size, -1)[places], found.log_likelihood.ravel()[places]
    least = float((by_draw**2).sum() / by_draw.sum() ** 2)
    return Sampled(unit, likelihood, family, evidence, error, (evidence, error), (stage,), number, least)


def _draw(rng: np.random.Generator, centre: Array, root: Array, number: int) -> Array:
    """From Student's t."""
    normal = rng.normal(size=(number, len(centre))) @ root.T
    return centre + normal * np.sqrt(FREEDOM / rng.chisquare(FREEDOM, (number, 1)))


def _student(points: Array, centre: Array, root: Array) -> Array:
    """Logarithm [N] of its density."""
    size = len(centre)
    root = root.reshape(size, size)
    away = np.linalg.solve(root, (points - centre).T)
    scale = gammaln((FREEDOM + size) / 2) - gammaln(FREEDOM / 2) - size / 2 * np.log(FREEDOM * np.pi)
    return scale - np.log(np.diag(root)).sum() - (FREEDOM + size) / 2 * np.log1p((away**2).sum(0) / FREEDOM)
