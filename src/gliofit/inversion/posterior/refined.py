"""
Stages that begin with the posterior of a cheaper likelihood: the same solver on a coarser grid.

The stages of the costly likelihood start from samples of the cheap one, with weights that know it, so that they end
with the costly posterior: what is cheap changes only how long it takes.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.points import Density, Points
from gliofit.inversion.posterior.state import State


class Refined:
    """
    A costly likelihood whose stages begin with a cheap one's posterior.

    Parameters
    ----------
    density, cheap : Density
        Over the same cube, with the same support.
    """

    def __init__(self, density: Density, cheap: Density):
        self._density, self.cheap = density, cheap

    @property
    def size(self) -> int:
        return self._density.size

    def supported(self, unit: Array) -> Array:
        return self._density.supported(unit)

    def draw(self, rng: np.random.Generator, number: int) -> Array:
        return self._density.draw(rng, number)

    def evaluate(self, unit: Array, linearised: bool = False) -> Points:
        return self.refined(self.cheap.evaluate(unit))

    def refined(self, points: Points) -> Points:
        """Points of the cheap likelihood with both."""
        return Points(points.unit, self._density.evaluate(points.unit).log_likelihood, log_start=points.log_likelihood)

    def first(self, state: State) -> State:
        """Where the stages begin: with the last stage of a run on the cheap likelihood."""
        begun, number = time.perf_counter(), len(state.points)
        points = self.refined(state.points)
        stage = {"power": 0.0, "variation": 0.0, "accepted": 1.0, "runs": number, "moves": 0, "coarser": 0}
        stage |= {"correlation": 1.0, "seconds": time.perf_counter() - begun}
        before = ({**was, "runs": 0, "coarser": was["runs"]} for was in state.stages)
        parents = (*state.parents, np.arange(number))
        return replace(state, points=points, power=0.0, parents=parents, stages=(*before, stage))
