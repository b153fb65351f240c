"""
Direct prediction and gradient-based refinement, whichever explains the tumour better (Weidner 2026, Sec. 2.3).
"""

from __future__ import annotations

from gliofit.inversion.crops import clock, finish, legal
from gliofit.inversion.direct import predict
from gliofit.inversion.gradient_based import descend
from gliofit.inversion.problem import Fit, Problem
from gliofit.inversion.registry import method


def _hybrid(problem: Problem, *, fix_origin: bool, **settings) -> Fit:
    started = clock()
    guess = predict(problem)
    if fix_origin:
        guess[:3] = legal(problem, problem.start)[:3]
    direct = finish(problem, guess, started, history=[], evaluations=1, converged=True, reason="")
    parameters, descent, evaluations = descend(problem, guess, fix_origin=fix_origin, **settings)
    refined = finish(
        problem,
        parameters,
        started,
        history=descent.history,
        evaluations=evaluations,
        converged=descent.converged,
        reason=descent.reason,
    )
    fit = refined if refined.loss < direct.loss else direct
    fit.details = {
        "kept": "gb_surrogate" if fit is refined else "direct",
        "loss_direct": direct.loss,
        "loss_gb_surrogate": refined.loss,
    }
    if fit is direct:
        fit.reason = f"the direct prediction explains the tumour better than its refinement ({descent.reason})"
    fit.history, fit.evaluations, fit.converged = descent.history, evaluations + 1, descent.converged
    fit.seconds = clock() - started
    return fit


@method("hybrid", "Hybrid", networks=("surrogate", "inverse", "inverse_segmentation"))
def hybrid(
    problem: Problem,
    *,
    iterations: int = 100,
    tolerance: float = 1e-8,
    relative_tolerance: float = 1e-3,
    starts: int = 1,
) -> Fit:
    """
    The direct prediction, refined by L-BFGS on the surrogate; the better of the two under the numerical solver.

    Settings as for `gb_surrogate`. `details` tells which was kept and both solver losses; `seconds` includes the two
    solver runs that decide; `evaluations` counts network runs.
    """
    return _hybrid(
        problem,
        fix_origin=False,
        iterations=iterations,
        tolerance=tolerance,
        relative_tolerance=relative_tolerance,
        starts=starts,
    )


@method("hybrid_com", "Hybrid COM", networks=("surrogate", "inverse", "inverse_segmentation"))
def hybrid_com(
    problem: Problem,
    *,
    iterations: int = 100,
    tolerance: float = 1e-8,
    relative_tolerance: float = 1e-3,
    starts: int = 1,
) -> Fit:
    """
    `hybrid` with the origin fixed at the visible tumour's centre of mass throughout (Weidner 2026, Sec. 3.4).

    Only μ_D and μ_ρ of the direct prediction are used, and only they are refined.
    """
    return _hybrid(
        problem,
        fix_origin=True,
        iterations=iterations,
        tolerance=tolerance,
        relative_tolerance=relative_tolerance,
        starts=starts,
    )
