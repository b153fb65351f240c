"""Points of the unit cube with what is known of the likelihood there."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from gliofit.base.arrays import Array


@dataclass(frozen=True, eq=False)
class Points:
    """
    A population.

    Parameters
    ----------
    unit : ndarray [B, d]
    log_likelihood : ndarray [B]
        −inf where the solver gave none.
    gradient : ndarray [B, d], optional
        Of the log-likelihood.
    matrix : ndarray [B, d, d], optional
        Gauss–Newton Hessian of −log L.
    log_start : ndarray [B], optional
        Logarithm of the density that stages begin with, over the prior's; none where they begin with the prior.
    """

    unit: Array
    log_likelihood: Array
    gradient: Array | None = None
    matrix: Array | None = None
    log_start: Array | None = None

    def __post_init__(self) -> None:
        finite = np.isfinite(self.log_likelihood)
        object.__setattr__(self, "log_likelihood", np.where(finite, self.log_likelihood, -np.inf))

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def gain(self) -> Array:
        """What a stage weighs points by [B]: the logarithm of where the stages end, over where they begin."""
        return self.log_likelihood if self.log_start is None else self.log_likelihood - self.log_start

    def log_target(self, power: float) -> Array:
        """Logarithm [B] of the density of a stage, over the prior's."""
        begun = 0.0 if self.log_start is None else (1 - power) * self.log_start
        return power * self.log_likelihood + begun

    def arrays(self) -> dict[str, Array]:
        """By name, those that are there."""
        return {f.name: a for f in fields(self) if (a := getattr(self, f.name)) is not None}

    def take(self, index: Array) -> Points:
        return Points(**{name: a[index] for name, a in self.arrays().items()})

    def replaced(self, index: Array, by: Points) -> Points:
        """With other points in the places `index`."""
        own, other = {name: a.copy() for name, a in self.arrays().items()}, by.arrays()
        for name, a in own.items():
            a[index] = other[name]
        return Points(**own)

    @staticmethod
    def joined(parts: list[Points]) -> Points:
        return Points(**{name: np.concatenate([p.arrays()[name] for p in parts]) for name in parts[0].arrays()})


class Density(Protocol):
    """What a sampler samples: a likelihood over the unit cube, under a prior that is flat where it is not 0."""

    @property
    def size(self) -> int: ...

    def draw(self, rng: np.random.Generator, number: int) -> Array:
        """Points [number, d] of the prior."""
        ...

    def supported(self, unit: Array) -> Array:
        """Where the prior is not 0, bool [B]."""
        ...

    def evaluate(self, unit: Array, linearised: bool = False) -> Points:
        """Likelihoods at points [B, d]."""
        ...
