"""
Direct prediction and gradient-based refinement, whichever explains the tumour better (Weidner 2026, Sec. 2.3), and then
the same with the surrogate's error taken off.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import Any

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.checks import defaults
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, finish, legal
from gliofit.inversion.methods.direct import predict, predicted
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.lbfgs import Descent
from gliofit.inversion.search.surrogate import correct, descend
from gliofit.inversion.surrogate_foci import fit_foci, sought


def _hybrid(problem: Problem, *, fix_origin: bool, starts: int, corrections: int, **settings) -> Fit:
    if isinstance(corrections, bool) or not isinstance(corrections, int) or corrections < 0:
        raise InputError(f"setting corrections = {corrections!r} must be 0 or a positive whole number")
    started = clock()
    if sought(problem) and not fix_origin:
        guess = predicted(replace(problem, model=problem.model.with_one_focus()))
        return fit_foci(problem, [guess], started, fix_origin=False, starts=starts, corrections=corrections, **settings)
    guess = predict(problem)
    if fix_origin:
        origins = problem.model.origins
        guess[origins] = legal(problem, problem.start)[origins]
    direct = finish(problem, guess, started, history=[], evaluations=1, converged=True, reason="direct prediction")

    def solved(parameters: Array, descent: Descent) -> Fit:
        about = {"history": descent.history, "converged": descent.converged, "reason": descent.reason}
        return finish(problem, parameters, started, evaluations=0, **about)

    parameters, descent, evaluations = descend(
        problem, guess, fix_origin=fix_origin, starts=starts, near=not fix_origin, **settings
    )
    found = {"direct": direct, "gb_surrogate": solved(parameters, descent)}
    history, step = list(descent.history), descent
    for _ in range(corrections):
        parameters = legal(problem, parameters)
        parameters, step, more = correct(problem, parameters, step, fix_origin=fix_origin, **settings)
        history, evaluations = history + step.history, evaluations + more
        corrected, before = solved(parameters, step), found.get("corrected", found["gb_surrogate"])
        if corrected.loss >= before.loss:
            found.setdefault("corrected", corrected)  # as a candidate with its loss, though it is not chosen
            break
        found["corrected"] = corrected
    kept = min(found, key=lambda name: found[name].loss)
    fit = found[kept]
    fit.details = {"kept": kept, **{f"loss_{name}": candidate.loss for name, candidate in found.items()}}
    # what follows in the history is the loss of another surrogate
    fit.comparable = len(descent.history)
    fit.uncorrected_loss = min(found[name].loss for name in ("direct", "gb_surrogate"))
    if kept == "direct":
        better = f"the direct prediction explains the tumour better than its refinement ({descent.reason})"
        fit.reason = better if fit.converged else f"{fit.reason}; {better}"
        fit.converged = fit.converged and descent.converged
    fit.history, fit.evaluations = history, evaluations + 1
    fit.seconds = clock() - started
    return fit


@method("hybrid", "Hybrid", networks=("surrogate", "inverse", "inverse_segmentation"), foci=("given", "auto"))
def hybrid(
    problem: Problem,
    *,
    iterations: int = 100,
    tolerance: float = 1e-8,
    relative_tolerance: float = 1e-3,
    starts: int = 1,
    corrections: int = 1,
) -> Fit:
    """
    The direct prediction, refined by L-BFGS on the surrogate; the best under the numerical solver.

    `details` tells which was kept and all solver losses; `seconds` includes the solver runs that decide; `evaluations`
    counts network runs. What outlines show, and several foci, are fitted by Gauss–Newton on the surrogate
    (`surrogate_foci.fit_foci`), which counts the prediction among its starts.

    Parameters
    ----------
    problem : Problem
        With networks "surrogate" and "inverse" (of outlines, "inverse_segmentation" is asked in its place if given).
    iterations, tolerance, relative_tolerance, starts
        As for `gb_surrogate`.
    corrections : int
        Descents that follow with the surrogate's error, which the solver's run tells, taken off
        (`search.surrogate.correct`), of outlines one for each focus more. 0: the paper's method.
    """
    return _hybrid(
        problem,
        fix_origin=False,
        iterations=iterations,
        tolerance=tolerance,
        relative_tolerance=relative_tolerance,
        starts=starts,
        corrections=corrections,
    )


@method("hybrid_com", "Hybrid COM", networks=("surrogate", "inverse", "inverse_segmentation"))
@wraps(hybrid, assigned=("__annotations__",))  # its settings
def hybrid_com(problem: Problem, **settings: Any) -> Fit:
    """
    `hybrid` with the origin fixed at the visible tumour's centre of mass throughout (Weidner 2026, Sec. 3.4).

    Only μ_D and μ_ρ of the direct prediction are used, and only they are refined.
    """
    return _hybrid(problem, fix_origin=True, **defaults(hybrid) | settings)
