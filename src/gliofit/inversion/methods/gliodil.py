"""
GliODIL: growth, seed and scans all as soft constraints on a density in space and time (Balcerak et al., GliODIL).

The density need not be a solution of the growth equation for any θ, which is the method's point: it is the result, and
θ̂ only says which growth it is closest to. `pde_gliodil` is the solver's run with that θ̂.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
from pydantic import PositiveFloat, PositiveInt

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.threads import torch_threads
from gliofit.growth.theta import Theta
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, legal
from gliofit.inversion.own_density import Field
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method

DISCRETE_MODEL = "fisher_kolmogorov"
"""The growth model that the discrete loss is of."""


@dataclass(frozen=True, eq=False)
class Optimised:
    """
    Where the optimisation of a discrete loss ended.

    Parameters
    ----------
    parameters : ndarray (n + k,)
        [values of the growth model, extras of the observation].
    own : Field
        The density at the final time, with its `tail`.
    about : dict
        How it went, for `Fit.of`.
    """

    parameters: Array
    own: Field
    about: dict[str, Any]


def optimised(
    problem: Problem,
    *,
    cells: Annotated[int, pydantic.Field(ge=4)] = 32,
    times: Annotated[int, pydantic.Field(ge=4)] = 48,
    margin: Annotated[float, pydantic.Field(ge=1)] = 1.5,
    levels: PositiveInt = 4,
    iterations: Annotated[tuple[PositiveInt, ...], pydantic.Field(min_length=1)] = (600, 200),
    rate: PositiveFloat = 0.01,
    tolerance: float = 0.01,
    pde_weight: PositiveFloat = 1.0,
    pet_weight: PositiveFloat = 0.02,
    penalty: Literal["sigmoid", "hinge"] = "sigmoid",
    slack: float = 0.0,
    tail: Literal["front", "field"] = "front",
    optimiser: Literal["adam", "lbfgs"] = "adam",
    scatter: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.0,
    device: Literal["cpu", "cuda"] = "cpu",
) -> Optimised:
    """
    Optimise a discrete loss on a box around the tumour (GliODIL, Sec. 4).

    Parameters
    ----------
    problem : Problem
        Target: a segmentation, with or without PET, or a density.
    cells, times : int
        Voxels per axis of the box, and points of time (the paper: 48, 192).
    margin : float
        Length of the box relative to the visible tumour's bounding box.
    levels : int
        Of the multigrid decomposition, where the grid allows as many.
    iterations : tuple of int
        On one grid after the other, coarse to fine: the last is the grid of `cells` and `times`, each before it has
        half the points per axis of the next and sixteen times less work per iteration.
    rate, tolerance, optimiser
        See `gliofit.inversion.discrete_loss.descent.descend`.
    pde_weight, pet_weight : float
        λ_PDE and λ_PET: how much the growth equation and PET count; 1 is GliODIL's code, whose PET outweighs outlines.
    penalty : {"sigmoid", "hinge"}
    slack : float
        How a density on the wrong side of a threshold counts; see `gliofit.inversion.discrete_loss.loss.DiscreteLoss`.
    tail : {"front", "field"}
        Of outlines, what is the density below the lower threshold, where no scan speaks: the leading edge of a front
        with θ̂ about the visible part (`gliofit.growth.leading_edge`), or the optimised field, as in the paper. λ_PDE
        leaves the field loose there, and it ends at its box.
    scatter : float
        The first guess's D, ρ and origin are off by a random share up to this; see `first_guess`.
    device : {"cpu", "cuda"}

    Raises
    ------
    InputError
        Without a segmentation or density, on an unknown or impossible setting, and for "cuda"
        where there is none.
    """
    import torch

    from gliofit.inversion.discrete_loss import multigrid
    from gliofit.inversion.discrete_loss.compiled import CompiledLoss
    from gliofit.inversion.discrete_loss.domain import Domain
    from gliofit.inversion.discrete_loss.loss import DAYS, DiscreteLoss
    from gliofit.inversion.discrete_loss.start import first_guess

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("setting device = 'cuda', but this machine has no GPU that torch can use")
    halvings = len(iterations) - 1
    # On the finest grid, whatever the first: a seed must not be smaller than a voxel. Before torch is told its number
    # of threads: where it shares OpenMP with numba, the solver's would hold for it, too.
    rng = np.random.default_rng(problem.seed)
    Domain.around(problem, cells // 2**halvings, margin)  # too coarse a grid is told before the first solver run
    guess = first_guess(Domain.around(problem, cells, margin), times // 2**halvings, problem.threads, scatter, rng)
    loss_of = CompiledLoss if device == "cpu" else DiscreteLoss
    runs, u = [], None
    with torch_threads(problem.threads):
        for coarser, number in zip(range(halvings, -1, -1), iterations, strict=True):
            domain = Domain.around(problem, cells // 2**coarser, margin)
            loss = loss_of(domain, times // 2**coarser, penalty, slack, device, pde_weight, pet_weight)
            if u is None:
                u, origin = torch.as_tensor(guess.field, device=device), guess.origin
                u = torch.nn.functional.avg_pool3d(u, 2**coarser)
                found = {"diffusivity": guess.diffusivity, "growth": guess.growth}
            else:
                u = multigrid.finer(u)
            unknowns = [*multigrid.decompose(u, levels), loss.variables(origin, **found)]
            run, u = _optimise(loss, unknowns, optimiser, number, rate, tolerance)
            origin, found = loss.values(unknowns[-1])
            runs.append(run)
        assert u is not None  # `iterations` are not empty
        terms = {name: float(term) for name, term in loss.terms(u, unknowns[-1].detach()).items()}
    theta = Theta.from_physical(origin, found["diffusivity"], found["growth"], DAYS)
    extras = [found[name] for name in problem.target.extra_names]
    parameters = np.concatenate([problem.model.from_theta(theta.to_array()), extras])
    # as exact as it is kept: whether a voxel is visible must not depend on where the density comes from
    last = np.where(domain.inside, u[-1].cpu().numpy().clip(0, 1), np.nan).astype(np.float16).astype(np.float32)
    seen = found.get("threshold_whole") if tail == "front" else None  # an observed density is known everywhere
    front = {} if seen is None else {"visible": seen, "width": theta.mu_D / theta.mu_rho}
    details = {
        "terms": terms,
        "iterations": [len(run.history) for run in runs],
        "cpu_seconds": sum(run.seconds for run in runs),
        "box_mm": [round(float(h) * cells, 1) for h in domain.tissue.spacing],
        "start": {"diffusivity": guess.diffusivity, "growth": guess.growth, "overlap": guess.score},
    }
    about = {
        "history": [value for run in runs for value in run.history],
        "evaluations": sum(run.evaluations for run in runs),
        "converged": runs[-1].converged,
        "reason": runs[-1].reason,
        "details": details,
    }
    return Optimised(legal(problem, parameters), Field(last, domain.tissue.affine, **front), about)


def halved(*, cells: int, times: int, iterations: tuple[int, ...], **others: Any) -> None:
    """InputError if the box cannot be halved as often as `iterations` ask for."""
    halvings = len(iterations) - 1
    if cells % 2**halvings or times % 2**halvings:
        raise InputError(f"{cells} cells and {times} times cannot be halved {halvings} times")


@method("gliodil", "GliODIL", models=(DISCRETE_MODEL,), together=halved)
@wraps(optimised, assigned=("__annotations__",))  # its settings, and checks of them
def gliodil(problem: Problem, **settings: Any) -> Fit:
    """
    The density that `optimised` ends at.

    `density` is that field, not θ̂ through the solver; `loss` is that density's.
    """
    started = clock()
    found = optimised(problem, **settings)
    return Fit.of(problem, found.parameters, started, own=found.own, **found.about)


def _optimise(loss, unknowns: list, optimiser: str, iterations: int, rate: float, tolerance: float):
    """Descend from `unknowns` (levels of the density and scalars, changed in place); how it went, and the density."""
    from gliofit.inversion.discrete_loss.descent import descend
    from gliofit.inversion.discrete_loss.multigrid import compose

    *fields, variables = (x.requires_grad_() for x in unknowns)

    def total():
        return loss.total(compose(fields), variables)

    title = f"gliodil {loss.domain.tissue.shape[0]}³ × {loss.times}"
    run = descend(
        total, unknowns, optimiser=optimiser, iterations=iterations, rate=rate, tolerance=tolerance, title=title
    )
    return run, compose([x.detach() for x in fields])
