"""
Direct prediction and gradient-based refinement, whichever explains the tumour better (Weidner 2026, Sec. 2.3), and then
the same with the surrogate's error taken off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from gliofit.base.arrays import Array
from gliofit.inversion.crops import loaded
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, finish, legal
from gliofit.inversion.methods.direct import predict, predicted
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.search.lbfgs import Descent
from gliofit.inversion.search.surrogate import correct, descend
from gliofit.inversion.surrogate_foci import Search, by_gauss_newton, fit_foci, sought


def _by_lbfgs(problem: Problem, *, fix_origin: bool, starts: int, corrections: int, **settings) -> Fit:
    """By exact gradients of the surrogate: the paper's search."""
    started = clock()
    guess = predict(problem)
    if fix_origin:
        origins = problem.model.origins
        guess[origins] = legal(problem, problem.start)[origins]
    direct = _direct(problem, guess, started)

    def solved(parameters: Array, descent: Descent) -> Fit:
        about = {"history": descent.history, "converged": descent.converged, "reason": descent.reason}
        return finish(problem, parameters, started, evaluations=0, **about)

    parameters, descent, evaluations = descend(problem, guess, fix_origin=fix_origin, starts=starts, **settings)
    found = {"gb_surrogate": solved(parameters, descent)}
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
    fit.comparable, fit.uncorrected_loss = len(descent.history), found["gb_surrogate"].loss
    fit.history, fit.evaluations = history, evaluations
    return _better(direct, fit, started)


def _direct(problem: Problem, guess: Array, started: float) -> Fit:
    """A prediction as it is, by the solver."""
    return finish(problem, guess, started, history=[], evaluations=1, converged=True, reason="direct prediction")


def _better(direct: Fit, refined: Fit, started: float) -> Fit:
    """The prediction or what was made of it, whichever the solver explains the tumour better by, with all losses."""
    losses = {"loss_direct": direct.loss, **{k: v for k, v in refined.details.items() if k.startswith("loss_")}}
    fit, kept = (direct, "direct") if direct.loss <= refined.loss else (refined, refined.details["kept"])
    fit.details = {**refined.details, "kept": kept, **losses}
    if fit is direct:
        better = f"the direct prediction explains the tumour better than its refinement ({refined.reason})"
        fit.reason = better if fit.converged else f"{fit.reason}; {better}"
        fit.converged = fit.converged and refined.converged
    uncorrected = refined.loss if refined.uncorrected_loss is None else refined.uncorrected_loss
    fit.comparable, fit.uncorrected_loss = refined.comparable, min(direct.loss, uncorrected)
    fit.history, fit.evaluations = refined.history, refined.evaluations + 1
    fit.seconds = clock() - started
    return fit


@method("hybrid", "Hybrid", networks=("surrogate", "inverse", "inverse_segmentation"), foci=("given", "auto"))
def hybrid(
    problem: Problem,
    *,
    search: Search = "auto",
    iterations: PositiveInt = 100,
    tolerance: PositiveFloat = 1e-8,
    relative_tolerance: PositiveFloat = 1e-3,
    starts: PositiveInt = 1,
    corrections: NonNegativeInt = 1,
) -> Fit:
    """
    The direct prediction, refined on the surrogate; the best under the numerical solver.

    `details` tells which was kept and all solver losses; `seconds` includes the solver runs that decide; `evaluations`
    counts network runs. Of what outlines show the prediction is one start among several.

    Parameters
    ----------
    problem : Problem
        With networks "surrogate" and "inverse" (of outlines, "inverse_segmentation" is asked in its place if given).
    search, iterations, tolerance, relative_tolerance, starts
        As for `gb_surrogate`.
    corrections : int
        Searches that follow with the surrogate's error, which the solver's run tells, taken off, of outlines one for
        each focus more. 0, with `search="lbfgs"`: the paper's method.
    """
    settings: dict[str, Any] = {"iterations": iterations, "tolerance": tolerance, "starts": starts}
    settings |= {"relative_tolerance": relative_tolerance, "corrections": corrections}
    started, problem = clock(), loaded(problem, "surrogate")
    if not by_gauss_newton(problem, search):
        return _by_lbfgs(problem, fix_origin=False, **settings)
    guess = predicted(replace(problem, model=problem.model.with_one_focus()))
    fit = fit_foci(problem, [guess], started, **settings)
    return fit if sought(problem) else _better(_direct(problem, guess, started), fit, started)


@method("hybrid_com", "Hybrid COM", networks=("surrogate", "inverse", "inverse_segmentation"))
def hybrid_com(
    problem: Problem,
    *,
    iterations: PositiveInt = 100,
    tolerance: PositiveFloat = 1e-8,
    relative_tolerance: PositiveFloat = 1e-3,
    starts: PositiveInt = 1,
    corrections: NonNegativeInt = 1,
) -> Fit:
    """
    `hybrid` by L-BFGS with the origin fixed at the visible tumour's centre of mass throughout (Weidner 2026, Sec. 3.4).

    Only μ_D and μ_ρ of the direct prediction are used, and only they are refined.
    """
    return _by_lbfgs(
        problem,
        fix_origin=True,
        iterations=iterations,
        tolerance=tolerance,
        relative_tolerance=relative_tolerance,
        starts=starts,
        corrections=corrections,
    )
