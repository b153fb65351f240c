"""Descent of a discrete loss: Adam on all levels at once, or L-BFGS for comparison."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from tqdm import tqdm

from gliofit.base.errors import InputError

PATIENCE = 50
"""Iterations over which progress is judged."""

SETTLE = 0.25
"""Share of the iterations at the end in which Adam's step shrinks to zero."""

SMALLEST_STEP = 0.05
"""Of the first step, where a descent that no longer falls ends."""


@dataclass
class Descent:
    """
    How a descent went.

    Parameters
    ----------
    history : list of float
        Loss before every iteration.
    seconds : float
        CPU time.
    evaluations : int
        Losses with gradient.
    converged : bool
    reason : str
    """

    history: list[float] = field(default_factory=list)
    seconds: float = 0.0
    evaluations: int = 0
    converged: bool = False
    reason: str = ""


def descend(
    function: Callable[[], torch.Tensor],
    unknowns: list[torch.Tensor],
    *,
    optimiser: str = "adam",
    iterations: int = 1000,
    rate: float = 0.01,
    tolerance: float = 0.01,
    title: str = "",
) -> Descent:
    """
    Minimise `function()` over `unknowns`, in place.

    Parameters
    ----------
    function : callable
        The loss at the present unknowns.
    unknowns : list of Tensor
        Leaves that require a gradient.
    optimiser : {"adam", "lbfgs"}
        Adam takes one evaluation per iteration. L-BFGS (strong Wolfe line search, 20 pairs) takes a few.
    iterations : int
        At most.
    rate : float
        First step of Adam. It falls to 0.3 of itself each time the loss fell by less than `tolerance` over `PATIENCE`
        iterations, and to zero over the last `SETTLE` of all iterations.
    tolerance : float
        Relative.
    title : str
        Of the progress bar.

    Returns
    -------
    Descent
        If the loss is no longer finite, the unknowns are those of the last finite check.
    """
    if optimiser not in ("adam", "lbfgs"):
        raise InputError(f"setting optimiser = '{optimiser}' is unknown; there are: adam, lbfgs")
    run, started, factor = Descent(), time.process_time(), 1.0
    method: torch.optim.Optimizer
    if optimiser == "adam":
        method = torch.optim.Adam(unknowns, lr=rate, fused=True)
    else:
        method = torch.optim.LBFGS(
            unknowns,
            max_iter=1,
            max_eval=25,
            history_size=20,
            tolerance_grad=0,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )

    def closure() -> torch.Tensor:
        method.zero_grad()
        loss = function()
        loss.backward()
        run.evaluations += 1
        return loss

    kept = [x.detach().clone() for x in unknowns]
    bar = tqdm(range(iterations), title, mininterval=5)
    for k in bar:
        settling = (iterations - k) / (SETTLE * iterations)
        if optimiser == "adam":
            method.param_groups[0]["lr"] = rate * factor * min(1.0, settling)
        loss = float(method.step(closure).detach())
        if not np.isfinite(loss):
            run.reason = "the loss is not finite"
            with torch.no_grad():
                for x, old in zip(unknowns, kept, strict=True):
                    x.copy_(old)
            break
        run.history.append(loss)
        run.seconds = time.process_time() - started
        if (k + 1) % PATIENCE:
            continue
        bar.set_postfix(loss=f"{loss:.4g}")
        kept = [x.detach().clone() for x in unknowns]
        half = PATIENCE // 2
        if k + 1 >= 2 * PATIENCE and settling >= 1:
            before, now = (np.mean(run.history[stop - half : stop]) for stop in (k + 1 - PATIENCE, k + 1))
            if now > (1 - tolerance) * before:
                factor *= 0.3
                if optimiser == "lbfgs" or factor < SMALLEST_STEP:
                    run.converged = True
                    run.reason = f"the loss fell by less than {tolerance:g} of itself in {PATIENCE} iterations"
                    break
    else:
        run.reason = f"all {iterations} iterations used"
    bar.close()
    return run
