"""
Gradient-based inversion: L-BFGS through the frozen surrogate (Weidner 2026, Sec. 2.3, Fig. 2b).
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from gliofit.inversion.checks import defaults
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, finish, legal
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.surrogate import descend
from gliofit.inversion.surrogate_foci import fit_foci, sought


def _fit(problem: Problem, **settings: Any) -> Fit:
    started = clock()
    if sought(problem) and not settings["fix_origin"]:
        # one focus is the paper's method, which has no corrections
        return fit_foci(problem, [], started, corrections=int(problem.model.foci_range != (1, 1)), **settings)
    parameters, descent, evaluations = descend(problem, legal(problem, problem.start), **settings)
    return finish(
        problem,
        parameters,
        started,
        history=descent.history,
        evaluations=evaluations,
        converged=descent.converged,
        reason=descent.reason,
    )


@method("gb_surrogate", "GB surrogate", networks=("surrogate",), foci=("given", "auto"))
def gb_surrogate(
    problem: Problem,
    *,
    iterations: int = 100,
    tolerance: float = 1e-8,
    relative_tolerance: float = 1e-3,
    starts: int = 1,
) -> Fit:
    """
    L-BFGS on the surrogate from the centre of mass and the mean μ of the paper's training set (Sec. 2.3).

    Bounds are smooth (see `lbfgs`), where the paper's code clamps; the best iterate is returned, where it keeps the
    last. What outlines show, and several foci, are fitted by Gauss–Newton on the surrogate (`surrogate_foci.fit_foci`).

    Parameters
    ----------
    problem : Problem
        With a network "surrogate".
    iterations : int
        L-BFGS iterations at most, per start.
    tolerance : float
        Stop when the surrogate's loss on the crop changes by less between iterations (paper: 1e-8) …
    relative_tolerance : float
        … or by less than this share of itself. Below 1e-3 a fit follows the surrogate's errors and its density is
        no better, at up to three times the cost.
    starts : int
        Descents from different starts (1: the paper's).

    Returns
    -------
    Fit
        `history`: the surrogate's loss per iteration; `evaluations`: its runs, each with gradient.
    """
    return _fit(
        problem,
        fix_origin=False,
        iterations=iterations,
        tolerance=tolerance,
        relative_tolerance=relative_tolerance,
        starts=starts,
    )


@method("gb_surrogate_com", "GB surrogate COM", networks=("surrogate",))
@wraps(gb_surrogate, assigned=("__annotations__",))  # its settings
def gb_surrogate_com(problem: Problem, **settings: Any) -> Fit:
    """
    `gb_surrogate` with the origin fixed at the visible tumour's centre of mass (Weidner 2026, Sec. 3.4).

    μ_D and μ_ρ are fitted given that origin; the paper's code replaces the origin after a free fit.
    """
    return _fit(problem, fix_origin=True, **defaults(gb_surrogate) | settings)
