"""
Gradient-based inversion through the frozen surrogate (Weidner 2026, Sec. 2.3, Fig. 2b).
"""

from __future__ import annotations

from typing import Any

from pydantic import PositiveFloat, PositiveInt

from gliofit.inversion.crops import loaded
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, finish, legal
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.surrogate import descend
from gliofit.inversion.surrogate_foci import Search, by_gauss_newton, fit_foci


def _by_lbfgs(problem: Problem, **settings: Any) -> Fit:
    """By exact gradients from the problem's own start: the paper's search."""
    started = clock()
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
    search: Search = "auto",
    iterations: PositiveInt = 100,
    tolerance: PositiveFloat = 1e-8,
    relative_tolerance: PositiveFloat = 1e-3,
    starts: PositiveInt = 1,
) -> Fit:
    """
    A search on the surrogate from the centre of mass and the mean μ of the paper's training set (Sec. 2.3).

    Parameters
    ----------
    problem : Problem
        With a network "surrogate".
    search : {"auto", "gauss_newton", "lbfgs"}
        Of a density and one focus; "auto" is Gauss–Newton if the surrogate has tangents. Gauss–Newton
        (`surrogate_foci.fit_foci`) begins from fronts of different width, too. L-BFGS by exact gradients is the
        paper's; bounds are smooth (see `lbfgs`), where the paper's code clamps, and the best iterate is returned, where
        it keeps the last. What outlines show, and several foci, are fitted by Gauss–Newton alone.
    iterations : int
        Jacobians or L-BFGS iterations at most, per start.
    tolerance : float
        Gauss–Newton stops below this loss on the crop; L-BFGS when it changes by less between iterations (paper:
        1e-8) …
    relative_tolerance : float
        … or by less than this share of itself; Gauss–Newton when a step promises less. Below 1e-3 a fit follows the
        surrogate's errors and its density is no better, at up to three times the cost.
    starts : int
        Searches from different starts (1: the paper's).

    Returns
    -------
    Fit
        `history`: the surrogate's loss per iteration; `evaluations`: its runs, with gradient, Jacobian or neither.
    """
    settings: dict[str, Any] = {"iterations": iterations, "tolerance": tolerance}
    settings |= {"relative_tolerance": relative_tolerance, "starts": starts}
    started, problem = clock(), loaded(problem, "surrogate")
    if not by_gauss_newton(problem, search):
        return _by_lbfgs(problem, fix_origin=False, **settings)
    # one focus is the paper's method, which has no corrections
    return fit_foci(problem, [], started, corrections=int(problem.model.foci_range != (1, 1)), **settings)


@method("gb_surrogate_com", "GB surrogate COM", networks=("surrogate",))
def gb_surrogate_com(
    problem: Problem,
    *,
    iterations: PositiveInt = 100,
    tolerance: PositiveFloat = 1e-8,
    relative_tolerance: PositiveFloat = 1e-3,
    starts: PositiveInt = 1,
) -> Fit:
    """
    `gb_surrogate` by L-BFGS with the origin fixed at the visible tumour's centre of mass (Weidner 2026, Sec. 3.4).

    μ_D and μ_ρ are fitted given that origin; the paper's code replaces the origin after a free fit.
    """
    return _by_lbfgs(
        problem,
        fix_origin=True,
        iterations=iterations,
        tolerance=tolerance,
        relative_tolerance=relative_tolerance,
        starts=starts,
    )
