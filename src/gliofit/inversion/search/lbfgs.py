"""
L-BFGS inside a box.

Clamping parameters in the closure, as the paper's code does, gives L-BFGS gradients that do not belong to the losses
it sees as soon as a bound is active: curvature pairs and line searches break. Here the unit cube is reached through
u = (1 + sin v) / 2 with v free (James & Roos, MINUIT, 1975), so the function of v is smooth everywhere and – unlike
with a sigmoid, whose bounds lie at infinity – a minimum at a bound is an ordinary one, with curvature.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache

import numpy as np

from gliofit.base.arrays import Array

MARGIN = 0.01
"""Starts keep this distance (unit-scaled) from the bounds, where dv/du is infinite and the slope by v zero."""

LINE_SEARCH_EVALUATIONS = 25
"""At most per iteration. torch's default, 5/4 of `max_iter`, would leave the line search none."""


@dataclass
class Descent:
    """
    Where a descent ended: the best point it saw.

    Parameters
    ----------
    unit : ndarray (n,)
    loss : float
    history : list of float
        Loss of the start and after every iteration.
    converged : bool
    reason : str
    free, curvature
        The free variables at `unit` and the optimiser's state, for `minimise` to go on from.
    """

    unit: Array
    loss: float
    history: list[float]
    converged: bool
    reason: str
    free: Array
    curvature: dict


@cache
def _leave_compiler_out() -> None:
    """
    Make optimisers without torch's compiler, whose import takes as long as torch's own.

    An optimiser's constructor is wrapped so that the compiler leaves it alone, and the wrapper imports the compiler to
    say so, unless the wrapped function has this mark. Nothing is compiled here. Should a future torch wrap otherwise,
    the mark is without effect.
    """
    import torch

    wrapped = getattr(torch.optim.Optimizer.add_param_group, "__wrapped__", None)
    if wrapped is not None and "torch._dynamo" not in sys.modules:
        wrapped.__dynamo_disable = wrapped


def to_free(unit: Array) -> Array:
    """Unit cube → free variables v; points at the bounds are drawn inside by `MARGIN`."""
    return np.arcsin(2 * np.clip(unit, MARGIN, 1 - MARGIN) - 1)


def minimise(
    function: Callable,
    start: Array,
    *,
    iterations: int = 100,
    tolerance: float = 1e-8,
    relative_tolerance: float = 0.0,
    memory: int = 10,
    last: Descent | None = None,
) -> Descent:
    """
    Minimise over the unit cube with torch's L-BFGS (strong Wolfe line search) on smoothly bounded variables.

    Parameters
    ----------
    function : callable
        float64 tensor (n,) in the unit cube → scalar tensor, differentiable.
    start : ndarray (n,)
        Unit-scaled.
    iterations : int
        At most; an iteration is one direction with its line search.
    tolerance : float
        Stop when the loss changes by less from one iteration to the next …
    relative_tolerance : float
        … or by less than this share of itself.
    memory : int
        Curvature pairs kept.
    last : Descent, optional
        That ended near `start`, of a function with nearly the same second derivatives: what it has learnt of them is
        where this one begins.
    """
    import torch

    _leave_compiler_out()
    # the same branch of the sine, and no step away from a bound
    goes_on = last is not None and np.allclose(start, last.unit, rtol=0, atol=1e-9)
    first = last.free if last is not None and goes_on else to_free(start)
    free = torch.tensor(first, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [free],
        max_iter=1,
        max_eval=LINE_SEARCH_EVALUATIONS,
        history_size=memory,
        tolerance_grad=0,
        tolerance_change=tolerance,
        line_search_fn="strong_wolfe",
    )
    if last is not None:
        optimiser.state[free].update(deepcopy(last.curvature))
        # a step of 0, so that no curvature is read off the difference between two functions' gradients
        optimiser.state[free]["d"] = torch.zeros_like(free)
    seen: dict[bytes, tuple[float, torch.Tensor]] = {}
    best = (float("inf"), free.detach())

    def closure():
        # torch evaluates the accepted point again when the next iteration starts: answer that from memory
        nonlocal best
        key = free.detach().numpy().tobytes()
        if key not in seen:
            loss = function(0.5 + 0.5 * torch.sin(free))
            seen[key] = (float(loss.detach()), torch.autograd.grad(loss, free)[0])
            if seen[key][0] < best[0]:
                best = (seen[key][0], free.detach().clone())
        loss, gradient = seen[key]
        free.grad = gradient.clone()
        return loss

    history = [closure()]
    converged, reason = False, f"all {iterations} iterations used"
    for _ in range(iterations):
        optimiser.step(closure)
        history.append(closure())
        if not np.isfinite(history[-1]):
            reason = "the loss is not finite"
            break
        change = abs(history[-2] - history[-1])
        if change < tolerance:
            converged, reason = True, f"|Δloss| < {tolerance:g}"
            break
        if change < relative_tolerance * history[-1]:
            converged, reason = True, f"|Δloss| < {relative_tolerance:g}·loss"
            break
    found = best[1].numpy()
    curvature = dict(optimiser.state[free])
    return Descent(0.5 + 0.5 * np.sin(found), best[0], history, converged, reason, found, curvature)
