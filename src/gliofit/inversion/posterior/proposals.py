"""
Steps of a Markov chain in the unit cube: where they go, and how probable each was.

Steps are normal, cut off at the faces of the cube one coordinate after another, so that none leaves it and the density
of each is known exactly (as in Geweke's, Hajivassiliou's and Keane's simulator). A chain corrected with these densities
(Hastings 1970) has the right stationary distribution at the bounds, too; redrawing what falls outside has not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.points import Points

PRIOR_PRECISION = 12.0
"""Of a flat prior on [0, 1]: one over its variance."""


ROOMY = 1.3
"""By which the population's covariance is widened to draw anew: a tail that no draw reaches holds points for long."""


class Moments(NamedTuple):
    """
    Of a population under the power of a stage.

    Parameters
    ----------
    mean : ndarray [d]
    covariance : ndarray [d, d]
    """

    mean: Array
    covariance: Array

    @classmethod
    def of(cls, unit: Array, weights: Array | None = None) -> Moments:
        """Of points [B, d], all of the same weight or not."""
        size = unit.shape[1]
        covariance = np.cov(unit.T, aweights=weights, bias=True).reshape(size, size)
        return cls(np.average(unit, axis=0, weights=weights), covariance)

    def roomy(self) -> tuple[Array, Array]:
        """Centre [d] and Cholesky root [d, d] of a normal distribution somewhat wider than the population."""
        return self.mean, root_of(ROOMY * self.covariance)


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

    def steps(self, points: Points, power: float, moments: Moments) -> Steps:
        """
        The steps of a stage.

        Parameters
        ----------
        points : Points
            The population.
        power : float
            Of the likelihood.
        moments : Moments
            Of the population under that power.
        """
        ...


@dataclass(frozen=True)
class Walk:
    """
    Random walk with β² times the population's covariance (Ching & Chen 2007, J. Eng. Mech. 133).

    With β² = 0.04 nearly every step is accepted and none goes far: after a stage most points lie where their parents
    did, and the offspring of one parent together. Two other kinds of steps part them: wide ones, and draws anew from
    the population's normal distribution, which need no way to go.

    Parameters
    ----------
    beta2 : float
    wide : float
        Share, of the steps of the walk, with 2.38²/d in the place of β², the best of a walk in many dimensions (Gelman,
        Roberts & Gilks 1996).
    anew : float
        Share of draws anew. Without them and wide steps, this is the published algorithm.
    """

    beta2: float
    wide: float = 0.0
    anew: float = 0.0
    linearised: ClassVar[bool] = False

    def steps(self, points: Points, power: float, moments: Moments) -> Steps:
        near, far = (root_of(scale * moments.covariance) for scale in (self.beta2, 2.38**2 / len(moments.mean)))
        mean, roomy = moments.roomy()
        roots = np.stack([near, far, roomy])
        shares = np.cumsum([(1 - self.anew) * (1 - self.wide), (1 - self.anew) * self.wide])

        def of(here: Points, choice: Array) -> tuple[Array, Array]:
            kind = np.searchsorted(shares, choice, side="right")
            return np.where((kind == 2)[:, None], mean, here.unit), roots[kind]

        return of


@dataclass(frozen=True)
class Newton:
    """
    Steps along the gradient, towards the mode of a local normal approximation (manifold TMCMC).

    A step goes the share a of the way and has a·(2 − a) times the covariance, so that where the approximation is exact
    every step is accepted, and a = 1 draws anew. A quarter of the steps takes J'Σ⁻¹J of the point itself for the
    approximation. That changes from place to place, the way back is then improbable, and few are accepted: so a quarter
    takes the population's covariance, and half of the steps are those of `Walk`, which need no approximation.

    Parameters
    ----------
    step : float
        a, in (0, 1].
    """

    step: float
    linearised: ClassVar[bool] = True
    others: ClassVar[Walk] = Walk(0.04, 0.8, 0.6)

    def steps(self, points: Points, power: float, moments: Moments) -> Steps:
        weak = PRIOR_PRECISION * np.eye(points.unit.shape[1])
        others = self.others.steps(points, power, moments)

        def of(here: Points, choice: Array) -> tuple[Array, Array]:
            own = np.linalg.inv(power * known(here.matrix) + weak)
            own = np.where((choice < 0.25)[:, None, None], own, moments.covariance)
            # of a mode outside the cube the nearest point in it
            mode = np.clip(here.unit + np.einsum("bij,bj->bi", own, power * known(here.gradient)), 0, 1)
            without = choice >= 0.5
            centre, root = others(here, 2 * choice - 1)
            centre = np.where(without[:, None], centre, here.unit + self.step * (mode - here.unit))
            return centre, np.where(without[:, None, None], root, root_of(self.step * (2 - self.step) * own))

        return of


def known(derivatives: Array | None) -> Array:
    """Derivatives of points that have them, 0 where they are none."""
    assert derivatives is not None, "steps along gradients need points with gradients"
    return np.nan_to_num(derivatives, posinf=0.0, neginf=0.0)


def root_of(covariance: Array) -> Array:
    """Cholesky roots [..., d, d], lower triangular, of covariances [..., d, d] that may be singular."""
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
    uniform = 1 - rng.random(centre.shape)  # never 0
    normal = np.zeros_like(centre)
    log_density = np.zeros(len(centre))
    for i in range(centre.shape[1]):
        low, high, scale = _limits(centre, root, normal, i)
        flipped, before, mass = _share(low, high)
        found = ndtri_exp(np.logaddexp(before, np.log(uniform[:, i]) + mass))
        normal[:, i] = np.clip(np.where(flipped, -found, found), low, high)
        log_density += _log_normal(normal[:, i]) - mass - np.log(scale)
    unit = centre + np.einsum("bij,bj->bi", root, normal)
    return np.clip(unit, 0, 1), log_density


def log_density(unit: Array, centre: Array, root: Array) -> Array:
    """Logarithm [B] of the density with which `draw` steps to points [B, d]."""
    normal = np.zeros_like(centre)
    found = np.zeros(len(centre))
    for i in range(centre.shape[1]):
        low, high, scale = _limits(centre, root, normal, i)
        away = unit[:, i] - centre[:, i] - np.einsum("bj,bj->b", root[:, i, :i], normal[:, :i])
        normal[:, i] = np.clip(away / scale, low, high)
        found += _log_normal(normal[:, i]) - _share(low, high)[2] - np.log(scale)
    return found


def _limits(centre: Array, root: Array, normal: Array, i: int) -> tuple[Array, Array, Array]:
    """Of coordinate i's normal variable, given those before it, so that it stays in the cube; and its scale."""
    middle = centre[:, i] + np.einsum("bj,bj->b", root[:, i, :i], normal[:, :i])
    scale = root[:, i, i]
    return -middle / scale, (1 - middle) / scale, scale


def _share(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """
    Of the normal distribution between two limits, in logarithms, which hold far out, too.

    Returns
    -------
    flipped : bool ndarray [B]
        Whether it is that between −high and −low: far above 0 there is no telling one probability from another.
    before, mass : ndarray [B]
        Logarithms of the probability below the lower limit and between the two.
    """
    flipped = low > 0
    below, above = log_ndtr(np.where(flipped, -high, low)), log_ndtr(np.where(flipped, -low, high))
    return flipped, below, above + np.log1p(-np.exp(np.minimum(below - above, -1e-16)))


def _log_normal(x: Array) -> Array:
    return -0.5 * (x**2 + np.log(2 * np.pi))
