"""The search for a growth model that begins where that for a simpler one has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gliofit.base.errors import BeyondModelError
from gliofit.growth.model import GrowthModel
from gliofit.growth.simpler import Simpler
from gliofit.inversion.fit import Fit
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import Minimum
from gliofit.inversion.solver_foci import ENOUGH, settled


def beyond(
    rough: Problem, problem: Problem, simpler: Simpler[GrowthModel], plain: Fit, explained: float, **settings: Any
) -> tuple[Minimum, list[dict]]:
    """
    Search on from a fit of the simpler model, once with each of `simpler.further`; the best end goes on.

    Parameters
    ----------
    rough, problem : Problem
        On the grid where ends are compared, and on the one that the best goes on; both with `simpler.searched`.
    simpler : Simpler
    plain : Fit
        Of `simpler.model`.
    explained : float
        A loss below which no further start is tried.
    **settings
        Of the last search, as `minimise` has them; ends are compared at a tolerance of `ENOUGH` at least.

    Returns
    -------
    best : Minimum
    ends : list of dict
        Where each search has begun and ended, and its loss.

    Raises
    ------
    BeyondModelError
        If there is no tumour at any start; at some, these are passed over.
    """
    found = [plain.parameters[name] for name in simpler.model.names]
    extras = [plain.extras[name] for name in problem.target.extra_names]
    names = problem.model.names[simpler.model.size :]
    roughly, ends = settings | {"tolerance": max(settings["tolerance"], ENOUGH)}, []
    best: Minimum | None = None
    refused: BeyondModelError | None = None
    for further in simpler.further:
        if best is not None and best.loss <= explained:
            break
        start = np.concatenate([found, further, extras])
        try:
            end = settled(rough, start, **roughly)
        except BeyondModelError as error:
            refused = error
            continue
        begun, ended = (
            dict(zip(names, p[simpler.model.size :].tolist(), strict=False)) for p in (start, end.parameters)
        )
        ends.append({"begun": begun, "ended": ended, "loss": end.loss})
        best = end if best is None or end.loss < best.loss else best
    if best is None:
        assert refused is not None  # there is one start at least
        raise refused
    if problem.tissue is not rough.tissue or settings != roughly:
        best = settled(problem, best.parameters, **settings)
    return best, ends


def searched(problem: Problem, simpler: Simpler[GrowthModel]) -> Problem:
    """The problem, its model as it is searched for."""
    return replace(problem, model=simpler.searched)
