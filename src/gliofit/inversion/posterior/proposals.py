"""
Steps of a Markov chain in the unit cube: where they go, and how probable each was.

Steps are normal, cut off at the faces of the cube one coordinate after another, so that none leaves it and the density
of each is known exactly (as in Geweke's, Hajivassiliou's and Keane's simulator). A chain corrected with these densities
(Hastings 1970) has the right stationary distribution at the bounds, too; redrawing what falls outside has not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.points import Points

PRIOR_PRECISION = 12.0
"""Of a flat prior on [0, 1]: one over its variance."""


Steps = Callable[[Points, Array], tuple[Array, Array]]
"""
Centres [B, d] and Cholesky roots [B, d, d] of steps from points, given a choice [B].

The choice, uniform in [0, 1), says which of several kinds of steps a point makes. It does not depend on the point, and
holds for the way back as well.
"""


class Proposal(Protocol):
    """
    A family of steps.

    Attributes
    ----------
    linearised : bool
        Whether it needs gradients and matrices.
    """

    @property
    def linearised(self) -> bool: ...

    def steps(self, points: Points, power: float, covariance: Array) -> Steps:
        """
        The steps of a stage.

        Parameters
        ----------
        points : Points
            The population.
        power : float
            Of the likelihood.
        covariance : ndarray [d, d]
            Of the population under that power.
        """
        ...


@dataclass(frozen=True)
class Walk:
    """
    Random walk with β² times the population's covariance (Ching & Chen 2007, J. Eng. Mech. 133).

    With β² = 0.04 nearly every step is accepted and none goes far: after a stage most points lie where their parents
    did, and the offspring of one parent together. Some wide steps part them.

    Parameters
    ----------
    beta2 : float
    wide : float
        Share of steps with 2.38²/d in the place of β², the best of a walk in many dimensions (Gelman, Roberts & Gilks
        1996); 0: the published algorithm.
    """

    beta2: float
    wide: float = 0.0
    linearised: ClassVar[bool] = False

    def steps(self, points: Points, power: float, covariance: Array) -> Steps:
        near, far = (_root(scale * covariance) for scale in (self.beta2, 2.38**2 / len(covariance)))
        return lambda here, choice: (here.unit, np.where((choice < self.wide)[:, None, None], far, near))


@dataclass(frozen=True)
class Newton:
    """
    Steps towards the local normal approximation's mode, with its covariance: gradient and J'Σ⁻¹J (manifold TMCMC).

    A step goes the share a of the way and has a·(2 − a) times the covariance, so that where the approximation is exact
    every step is accepted, and a = 1 draws anew. Far from the mode the approximation changes from place to place, the
    way back is improbable, and few steps are accepted: so a quarter of the steps takes the population's mean matrix, in
    place of the point's own, and half of them are of the wide walk of `Walk`, which needs no approximation.

    Parameters
    ----------
    step : float
        a, in (0, 1].
    """

    step: float
    linearised: ClassVar[bool] = True

    def steps(self, points: Points, power: float, covariance: Array) -> Steps:
        weak = PRIOR_PRECISION * np.eye(points.unit.shape[1])
        mean = np.linalg.inv(power * _known(points.matrix).mean(0) + weak)
        walk = _root(2.38**2 / len(covariance) * covariance)

        def of(here: Points, choice: Array) -> tuple[Array, Array]:
            own = np.linalg.inv(power * _known(here.matrix) + weak)
            own = np.where((choice < 0.25)[:, None, None], own, mean)
            # of a mode outside the cube the nearest point in it
            mode = np.clip(here.unit + np.einsum("bij,bj->bi", own, power * _known(here.gradient)), 0, 1)
            walks = choice >= 0.5
            centre = np.where(walks[:, None], here.unit, here.unit + self.step * (mode - here.unit))
            return centre, np.where(walks[:, None, None], walk, _root(self.step * (2 - self.step) * own))

        return of


def _known(derivatives: Array | None) -> Array:
    assert derivatives is not None, "steps along gradients need points with gradients"
    return np.nan_to_num(derivatives, posinf=0.0, neginf=0.0)


def _root(covariance: Array) -> Array:
    size = covariance.shape[-1]
    covariance = (covariance + np.swapaxes(covariance, -1, -2)) / 2
    least = 1e-10 * np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / size + 1e-16
    return np.linalg.cholesky(covariance + least * np.eye(size))


def draw(centre: Array, root: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """
    A step from each point.

    Parameters
    ----------
    centre : ndarray [B, d]
    root : ndarray [B, d, d]
        Lower triangular.
    rng : Generator

    Returns
    -------
    unit : ndarray [B, d]
        In [0, 1].
    log_density : ndarray [B]
    """
    from scipy.stats import truncnorm  # its import takes longer than planning a patient's jobs

    uniform = rng.random(centre.shape)
    normal = np.zeros_like(centre)
    log_density = np.zeros(len(centre))
    for i in range(centre.shape[1]):
        low, high, scale = _limits(centre, root, normal, i)
        normal[:, i] = np.clip(truncnorm.ppf(uniform[:, i], low, high), low, high)
        log_density += truncnorm.logpdf(normal[:, i], low, high) - np.log(scale)
    unit = centre + np.einsum("bij,bj->bi", root, normal)
    return np.clip(unit, 0, 1), log_density


def log_density(unit: Array, centre: Array, root: Array) -> Array:
    """Logarithm [B] of the density with which `draw` steps to points [B, d]."""
    from scipy.stats import truncnorm

    normal = np.zeros_like(centre)
    found = np.zeros(len(centre))
    for i in range(centre.shape[1]):
        low, high, scale = _limits(centre, root, normal, i)
        away = unit[:, i] - centre[:, i] - np.einsum("bj,bj->b", root[:, i, :i], normal[:, :i])
        normal[:, i] = np.clip(away / scale, low, high)
        found += truncnorm.logpdf(normal[:, i], low, high) - np.log(scale)
    return found


def _limits(centre: Array, root: Array, normal: Array, i: int) -> tuple[Array, Array, Array]:
    """Of coordinate i's normal variable, given those before it, so that it stays in the cube; and its scale."""
    middle = centre[:, i] + np.einsum("bj,bj->b", root[:, i, :i], normal[:, :i])
    scale = root[:, i, i]
    return -middle / scale, (1 - middle) / scale, scale
