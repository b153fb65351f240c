"""
Stages that begin near the mode rather than with the prior.

From the prior to the posterior of one scan the likelihood's power rises over six decades, in twenty stages or more, of
which all but the last few look for the tumour. A search finds it in some tens of runs. So the stages may begin with a
normal distribution about the mode, wider than Laplace's approximation, and with some points of the prior; they end with
the same posterior, as the weights know where they began (an annealed importance sampler, Neal 2001, Stat. Comput. 11).
"""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import PRIOR_PRECISION, draw, known, log_density, root_of

WIDER = 2.0
"""Times the covariance of Laplace's approximation."""

OF_PRIOR = 0.05
"""Share of the points that are drawn from the prior, so that no place has no chance."""

CUBE = 20_000
"""Points from which shares of the unit cube are told."""

EDGE = 1e-3
"""A search goes no nearer to the cube's faces."""

SHORTER = 0.7 ** np.arange(1, 21)[:, None]
"""Parts of a step that leaves the prior: the longest that does not is tried."""


def climbed(density: Density, unit: Array, iterations: int = 40, enough: float = 1e-2) -> Points:
    """
    The mode above a point, by Levenberg–Marquardt within the cube; one point, with its derivatives.

    Parameters
    ----------
    density : Density
    unit : ndarray [d]
        Within the support.
    iterations : int
        Most likelihoods to try.
    enough : float
        Log-likelihood that no step gains any more.
    """
    here, damping = density.evaluate(np.clip(unit, EDGE, 1 - EDGE)[None], linearised=True), 1e-2
    gained = np.inf
    for _ in range(iterations):
        u, gradient, matrix = here.unit[0], known(here.gradient)[0], known(here.matrix)[0]
        held = _held(u, gradient)
        system = matrix + np.diag(damping * np.diag(matrix) + PRIOR_PRECISION * damping)
        step = _within(density, u, _step(system, gradient, held))
        if step is None:  # to the edge of the prior, or along it
            full = _step(system, gradient, held)
            alone = density.supported(np.clip(u + np.diag(full), EDGE, 1 - EDGE))
            steps = [_within(density, u, s) for s in (_step(system, gradient, held | ~alone), *(full * SHORTER))]
            promised = [-np.inf if s is None else gradient @ s - s @ matrix @ s / 2 for s in steps]
            step = steps[int(np.argmax(promised))]
        new = (u if step is None else u + step)[None]
        # after a step that failed the next is judged by its likelihood alone, which is much cheaper than with slopes
        linear, gained = gained > 0, -np.inf
        if step is not None:
            there = density.evaluate(new, linearised=linear)
            gained = float(there.log_likelihood[0] - here.log_likelihood[0])
        if gained > 0:
            here, damping = there if linear else density.evaluate(new, linearised=True), damping / 5
        else:
            damping *= 5
        if abs(gained) < enough or damping > 1e8:
            break
    return here


def _within(density: Density, unit: Array, step: Array) -> Array | None:
    """The step, cut off at the cube's faces; none if it leaves the prior."""
    new = np.clip(unit + step, EDGE, 1 - EDGE)
    return new - unit if density.supported(new[None])[0] else None


def _step(system: Array, gradient: Array, held: Array) -> Array:
    """Newton's, of the coordinates that are not held."""
    step = np.zeros_like(gradient)
    step[~held] = np.linalg.solve(system[np.ix_(~held, ~held)], gradient[~held])
    return step


def _held(unit: Array, gradient: Array) -> Array:
    """Coordinates, bool [d], that a face of the cube keeps from growing any further."""
    return ((unit <= EDGE) & (gradient < 0)) | ((unit >= 1 - EDGE) & (gradient > 0))


def precision_about(mode: Points) -> Array:
    """
    Inverse covariance [d, d] of the normal distribution that a posterior resembles near its mode.

    That of the Gauss–Newton matrix, with the prior's. Where the mode is at a face of the cube, the density falls off
    from it as an exponential.
    """
    gradient = known(mode.gradient)[0]
    falling = np.where(_held(mode.unit[0], gradient), gradient**2, 0)
    return known(mode.matrix)[0] + PRIOR_PRECISION * np.eye(len(gradient)) + np.diag(falling)


class BegunNear:
    """
    A density whose stages begin about a mode.

    Parameters
    ----------
    density : Density
    mode : Points
        One, with its Gauss–Newton matrix.
    """

    def __init__(self, density: Density, mode: Points):
        self._density = density
        self._centre = mode.unit
        self._root = root_of(WIDER * np.linalg.inv(precision_about(mode)))
        rng = np.random.default_rng(0)
        drawn, _ = self._near(rng, CUBE)
        self._log_near = np.log(max(np.mean(density.supported(drawn)), 1 / CUBE))
        self._log_cube = np.log(max(np.mean(density.supported(rng.random((CUBE, density.size)))), 1 / CUBE))

    @property
    def size(self) -> int:
        return self._density.size

    def supported(self, unit: Array) -> Array:
        return self._density.supported(unit)

    def draw(self, rng: np.random.Generator, number: int) -> Array:
        """Points [number, d] that the stages begin with."""
        of_prior = int(rng.binomial(number, OF_PRIOR))
        found = [self._density.draw(rng, of_prior)] if of_prior else []
        missing = number - of_prior
        while missing:
            drawn, _ = self._near(rng, 2 * missing + 16)
            kept = drawn[self.supported(drawn)][:missing]
            found.append(kept)
            missing -= len(kept)
        return np.concatenate(found)

    def evaluate(self, unit: Array, linearised: bool = False) -> Points:
        points = self._density.evaluate(unit, linearised)
        return Points(**points.arrays(), log_start=self._log_start(unit))

    def _near(self, rng: np.random.Generator, number: int) -> tuple[Array, Array]:
        size = self.size
        centre, root = np.broadcast_to(self._centre, (number, size)), np.broadcast_to(self._root, (number, size, size))
        return draw(centre, root, rng)

    def _log_start(self, unit: Array) -> Array:
        """Logarithm [B] of the density of `draw` over the prior's."""
        number, size = unit.shape
        centre, root = np.broadcast_to(self._centre, (number, size)), np.broadcast_to(self._root, (number, size, size))
        near = log_density(unit, centre, root) - self._log_near + self._log_cube
        return np.logaddexp(np.log(1 - OF_PRIOR) + near, np.log(OF_PRIOR))
