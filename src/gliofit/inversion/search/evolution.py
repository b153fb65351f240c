"""Derivative-free search by a population: CMA-ES (Hansen & Ostermeier 2001) in the unit cube."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gliofit.base.arrays import Array

CONVERGED = {"tolfun", "tolfunhist", "tolx", "tolfunrel"}
"""cma's stop reasons that mean the population has settled; the others are budgets and breakdowns."""


SETTLING = 20
"""Generations before the search may count as settled (paper's code), or as lost on a plateau."""


@dataclass
class Search:
    """A finished search: best point of the unit cube, its loss, best-so-far loss per generation, cost and end."""

    unit: Array
    loss: float
    history: list[float] = field(default_factory=list)
    evaluations: int = 0
    converged: bool = False
    reason: str = ""


def search(
    losses: Callable[[Array], Array],
    start: Array,
    *,
    sigma0: float,
    population: int | None,
    max_evaluations: int,
    tolerance: float,
    seed: int,
) -> Search:
    """
    CMA-ES in the unit cube, with cma's own (smooth) handling of bounds.

    Parameters
    ----------
    losses : callable
        Candidates [B, n] in the unit cube → losses [B].
    start : ndarray (n,)
        First mean, unit-scaled.
    sigma0 : float
        First step size, unit-scaled.
    population : int or None
        Candidates per generation; None is cma's 4 + ⌊3 ln n⌋.
    max_evaluations : int
    tolerance : float
        Stop when the losses of recent generations differ by less.
    seed : int
    """
    import cma

    rng = np.random.default_rng(seed)
    options: dict[str, Any] = {
        "bounds": [0.0, 1.0],
        "maxfevals": max_evaluations,
        "tolfun": tolerance,
        "tolfunhist": tolerance,
        "tolflatfitness": SETTLING,
        # own generator: cma would seed numpy's global one (and take seed 0 for the time of day)
        "seed": np.nan,
        "randn": lambda *shape: rng.standard_normal(shape),
        "verbose": -9,
        "verb_log": 0,
    }
    if population is not None:
        options["popsize"] = int(population)
    strategy = cma.CMAEvolutionStrategy(np.clip(start, 0.01, 0.99), sigma0, options)
    found = Search(np.asarray(start, float), np.inf)
    while not _stop(strategy):
        candidates = strategy.ask()
        values = np.asarray(losses(np.array(candidates)), float)
        strategy.tell(candidates, values)
        found.evaluations += len(values)
        best = int(values.argmin())
        if values[best] < found.loss:
            found.unit, found.loss = np.array(candidates[best]), float(values[best])
        found.history.append(found.loss)
    stop = _stop(strategy)
    # equal losses everywhere also look settled: a search that never improved has found nothing
    found.converged = bool(CONVERGED & set(stop)) and found.history[-1] < found.history[0]
    found.reason = ", ".join(f"cma: {name} = {value}" for name, value in stop.items())
    return found


def _stop(strategy: Any) -> dict:
    """cma's reasons to stop; being settled is not one during the first generations, on an empty stretch of the loss."""
    return strategy.stop(ignore_list=CONVERGED if strategy.countiter < SETTLING else ())
