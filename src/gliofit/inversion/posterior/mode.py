"""The mode of a posterior, with what a finer grid adds to its densities, and what labels are worth there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gliofit.inversion.posterior.forward import Solver
from gliofit.inversion.posterior.label_power import Worth, worth_of_labels
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.start import climbed, precision_about
from gliofit.inversion.posterior.target import Posterior

COARSE_MM = 4.0
"""Spacing, about, of the grid on which the mode is looked for first."""

SETTLED = 0.2
"""Standard deviations of the posterior by which a mode may move that counts as found."""

FOUND, PASSED = 1e-2, 0.1
"""Log-likelihood that no step gains any more: at a mode, and on the way to it, where labels count as independent."""


def found_mode(
    density: Posterior, fitted: Sequence[float], label_power: float, rounds: int
) -> tuple[Posterior, Points, Worth]:
    """
    The mode near a fit.

    Parameters
    ----------
    density : Posterior
        Whose labels count as independent.
    fitted : sequence of float
        [values, extras].
    label_power : float
        0: measured, where the mode has been corrected once. It may move it far.
    rounds : int
        Of correction for the grid, at most; see `_corrected`.

    Returns
    -------
    density : Posterior
        With the correction and the labels' power.
    mode : Points
        One, with its derivatives.
    worth : Worth
    """
    start = density.near(np.array(fitted))
    times = round(COARSE_MM / float(density.forward.tissue.spacing.min()))
    if isinstance(density.forward, Solver) and times > 1:
        start = climbed(density.coarser(times), start, enough=PASSED).unit[0]
    if rounds > 1:  # a place that is passed through
        density = density.quickly()
        density, mode = _corrected(density, climbed(density, start, enough=PASSED), 1, PASSED, roughly=True)
    else:
        density, mode = _corrected(density, climbed(density, start), rounds)
    worth = Worth(label_power, np.nan) if label_power else worth_of_labels(density, mode)
    if worth.power < 1:
        density = density.weighing_labels(worth.power)
        mode = climbed(density, mode.unit[0])
    else:
        rounds -= 1
    density, mode = _corrected(density, mode, rounds)
    return density, mode, worth


def _corrected(
    density: Posterior, mode: Points, rounds: int, enough: float = FOUND, roughly: bool = False
) -> tuple[Posterior, Points]:
    """
    A posterior whose densities have what half the spacing adds to them at its mode, found anew in each round.

    As long as the mode moves by more than `SETTLED`. `enough` and `roughly` are those of `climbed` and of
    `Posterior.finer`.
    """
    for _ in range(rounds):
        density = density.finer(mode.unit[0], roughly=roughly)
        before, mode = mode, climbed(density, mode.unit[0], enough=enough)
        away = mode.unit[0] - before.unit[0]
        if away @ precision_about(mode) @ away < SETTLED**2:
            break
    return density, mode
