"""Samples of a posterior, by way of the same on a coarser grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gliofit.inversion.posterior.emulated import Emulated
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.proposals import Proposal
from gliofit.inversion.posterior.refined import Refined
from gliofit.inversion.posterior.start import BegunNear
from gliofit.inversion.posterior.state import State
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Sampled, Settings, result, sample, staged

FEWER, FEWEST = 4, 256
"""A coarser grid's population is so many times smaller, and no smaller than this, until both powers are full."""


def sampled(
    density: Posterior,
    mode: Points | None,
    proposal: Proposal,
    settings: Settings,
    chain: int,
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
    chain : int
        Steps of an emulator's chain that make one step of a point; 0: there is no emulator.
    times : int
        How much coarser the grid is whose posterior is sampled first; less than 2: there is none.
    checkpoint : str
        Path; the coarser grid's is beside it. None if empty.
    config : dict
        See `gliofit.inversion.posterior.tmcmc.staged`.
    """

    def begun(posterior: Density) -> Density:
        return posterior if mode is None else BegunNear(posterior, mode)

    steps = Emulated(proposal, chain) if chain else proposal
    if times < 2:
        return sample(begun(density), steps, settings, checkpoint=checkpoint or None, config=config)
    stages = Refined(density, density.coarser(times))

    number = max(settings.samples // FEWER, min(settings.samples, FEWEST))

    def coarse() -> State:
        fewer = replace(settings, final=0, samples=number)
        path, cheap = f"{checkpoint}.coarse.npz" if checkpoint else None, begun(stages.cheap)
        return stages.first(staged(cheap, steps, fewer, checkpoint=path, config=config, title="coarser"))

    settings = replace(settings, earlier=number)
    found = staged(stages, steps, settings, begin=coarse, checkpoint=checkpoint or None, config=config)
    # each run on the problem's own grid took one on the coarser as well
    told = tuple({"coarser": stage["runs"], **stage} for stage in found.stages)
    return result(density, replace(found, stages=told), settings)
