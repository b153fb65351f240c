"""Samples of a posterior, by way of the same on a coarser grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import Proposal
from gliofit.inversion.posterior.refined import Refined, Through
from gliofit.inversion.posterior.start import BegunNear
from gliofit.inversion.posterior.state import State
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Sampled, Settings, result, sample, staged

CHAIN = 10
"""Steps on the coarser grid that make one proposal for the problem's own: they forget where they began."""

FEWER, FEWEST = 4, 256
"""A coarser grid's population is so many times smaller, and no smaller than this; chains make up for it."""


def sampled(
    density: Posterior,
    mode: Points | None,
    proposal: Proposal,
    settings: Settings,
    times: int,
    checkpoint: str,
    config: dict[str, Any],
) -> Sampled:
    """
    Samples of a posterior.

    Parameters
    ----------
    density : Posterior
    mode : Points, optional
        Where the stages begin; with the prior if there is none.
    proposal : Proposal
    settings : Settings
    times : int
        How much coarser the grid is whose posterior is sampled first; less than 2: there is none.
    checkpoint : str
        Path; the coarser grid's is beside it. None if empty.
    config : dict
        See `gliofit.inversion.posterior.tmcmc.staged`.
    """

    def begun(posterior: Density) -> Density:
        return posterior if mode is None else BegunNear(posterior, mode)

    if times < 2:
        return sample(begun(density), proposal, settings, checkpoint=checkpoint or None, config=config)
    stages = Refined(density, density.coarser(times))

    def coarse() -> State:
        own = replace(settings, final=0, samples=max(settings.samples // FEWER, min(settings.samples, FEWEST)))
        path = f"{checkpoint}.coarse.npz" if checkpoint else None
        return stages.first(staged(begun(stages.cheap), proposal, own, checkpoint=path, config=config, title="coarser"))

    through = Through(stages, proposal, CHAIN)
    return result(
        density, staged(stages, through, settings, begin=coarse, checkpoint=checkpoint or None, config=config), settings
    )
