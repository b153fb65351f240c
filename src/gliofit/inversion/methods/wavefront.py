"""
A density without growth: a field that explains the scans and falls off as fronts do (Weidner et al. 2024).

Neither simulated nor learnt: the unknown is the density itself at the time of the scan, one number per voxel. What no
scan says of it comes from two terms of the loss. A front that travels in a steady state has |∇c| = c(1 − c)/width, with
a width √(D/ρ) that is shorter in grey matter; and a smooth field is preferred to a rough one. Written from the idea of
arXiv 2412.13811, whose released code has step images as its start, 1 mm and 500 iterations; ours starts from distances
along tissue, on the working grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from gliofit.anatomy.geodesic import tissue_distance
from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.threads import torch_threads
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.inversion.discrete_loss.domain import Observed
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock, legal
from gliofit.inversion.methods.gliodil import DISCRETE_MODEL
from gliofit.inversion.own_density import Field
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.starts import matched_starts

WIDTHS_MM = (0.8, 12.0)
"""Range of the front's width in white matter."""

DEEPEST = 8.0
"""Logit of the density at the start in the middle of the core: 0.9997."""

REFITTED = 25
"""Iterations after which what PET's uptake means is fitted anew to the density."""


@method("wavefront", "Wavefront field", models=(DISCRETE_MODEL,))
def wavefront(
    problem: Problem,
    *,
    reach: PositiveFloat = 40.0,
    iterations: PositiveInt = 200,
    rate: PositiveFloat = 0.1,
    width: PositiveFloat = 3.0,
    front_weight: PositiveFloat = 1.0,
    smooth_weight: PositiveFloat = 1.0,
) -> Fit:
    """
    Optimise a density field with a wavefront regulariser.

    Parameters
    ----------
    problem : Problem
        Target: a segmentation, with or without PET, or a density.
    reach : float
        mm around the visible tumour that the field extends.
    iterations, rate
        Of Adam, on the density's logit.
    width : float
        mm; the front's width √(D/ρ) in white matter at the start.
    front_weight, smooth_weight : float
        Of the two terms, relative to the observation's loss.

    Returns
    -------
    Fit
        `density` is the field. θ̂ is a growth whose front has the width found and that reaches the visible volume.

    Raises
    ------
    InputError
        Without a segmentation or density, or on an impossible setting.
    """
    started = clock()
    observed, outlined = Observed.of(problem.target), "threshold_whole" in problem.target.extra_names
    offset, shape = _box(observed.whole >= 0.5, problem.tissue, reach)
    tissue = problem.tissue.crop(offset, shape)
    target = problem.target.map(lambda a: grids.take(a, offset, shape))
    extras = target.extra_start.copy()
    if outlined:
        core, whole = (grids.take(a, offset, shape) >= 0.5 for a in (observed.core, observed.whole))
        start = _logits(core, whole, dict(zip(target.extra_names, extras, strict=True)), tissue, width)
    else:
        assert observed.density is not None  # what is not outlined is observed as a density
        c = np.clip(grids.take(observed.density, offset, shape), 1e-6, 1 - 1e-4)
        start = np.log(c / (1 - c)).astype(np.float32)
    with torch_threads(problem.threads):
        field, found, extras, history = _optimise(
            target, tissue, start, extras, iterations, rate, width, front_weight, smooth_weight
        )
    # the same for all methods: as exact as it is kept in a file
    values = np.where(tissue.mask, field, np.nan).astype(np.float16).astype(np.float32)
    origin = problem.tissue.nearest_tissue(problem.centre)
    theta = matched_starts(problem, (found,), origin, extras)[0]
    return Fit.of(
        problem,
        legal(problem, theta),
        started,
        own=Field(values, tissue.affine),
        history=history,
        evaluations=iterations,
        converged=False,
        reason=f"all {iterations} iterations used",
        details={"front_width_mm": found, "voxels": int(tissue.mask.sum())},
    )


def _box(visible: Array, tissue: Tissue, reach: float) -> tuple[Array, tuple]:
    """Offset and shape of the tumour's bounding box with `reach` mm around, within the grid."""
    index, room = np.argwhere(visible), np.ceil(reach / tissue.spacing).astype(int)
    low = np.maximum(index.min(0) - room, 0)
    high = np.minimum(index.max(0) + 1 + room, visible.shape)
    return low, tuple((high - low).tolist())


def _logits(core: Array, whole: Array, thresholds: dict[str, float], tissue: Tissue, width: float) -> Array:
    """
    Logit of a density that has the outlines at their thresholds, by distances along tissue from either side of them.
    """
    grey = float(np.sqrt(GREY_MATTER_RATIO))

    def signed(region: Array) -> Array:
        outside = tissue_distance(region, tissue, np.inf, grey)
        inside = tissue_distance(~region & tissue.mask, tissue, np.inf, grey)
        return np.where(region, -np.minimum(inside, 1e3), np.minimum(outside, 1e3))

    def logit(t: float) -> float:
        return float(np.log(t / (1 - t)))

    down = logit(thresholds["threshold_whole"])
    value = down - signed(whole) / width
    if "threshold_core" in thresholds and core.any():
        up, edge = logit(thresholds["threshold_core"]), signed(core)
        between = whole & ~core
        out, into = np.maximum(edge, 0), np.maximum(-signed(whole), 0)
        share = into / np.maximum(out + into, 1e-6)
        value = np.where(core, up - edge / width, np.where(between, down + (up - down) * share, value))
    return np.clip(value, -60, DEEPEST).astype(np.float32)


def _optimise(
    target: Any,
    tissue: Tissue,
    start: Array,
    extras: Array,
    iterations: int,
    rate: float,
    width: float,
    front_weight: float,
    smooth_weight: float,
) -> tuple[Array, float, Array, list[float]]:
    """The density, its front's width (mm), extras, and the loss before every iteration."""
    import torch

    inside = torch.as_tensor(tissue.mask)
    arrays = {name: torch.as_tensor(np.ascontiguousarray(a)) for name, a in target.arrays().items()}
    solid = np.where(tissue.mask, tissue.wm + tissue.gm, 1)
    mean = (tissue.wm + np.float32(np.sqrt(GREY_MATTER_RATIO)) * tissue.gm) / solid
    steeper = torch.as_tensor(np.where(tissue.mask, mean, 1).astype(np.float32))
    size = float(max(target.visible.sum(), 1.0))
    logits = torch.as_tensor(start).requires_grad_()
    log_width = torch.tensor(float(np.log(width))).requires_grad_()
    faces = [inside.narrow(a, 0, n - 1) & inside.narrow(a, 1, n - 1) for a, n in enumerate(inside.shape)]
    adam = torch.optim.Adam([{"params": [logits], "lr": rate}, {"params": [log_width], "lr": rate / 5}])
    moved = np.array([not name.startswith("threshold") for name in target.extra_names])
    # an observed density's loss is a mean square over the whole grid; relative, it is as large as that of outlines
    unit = 1.0 if not target.complete else float(np.mean(np.square(target.visible, dtype=np.float64)))
    history = []
    for step in range(iterations):
        for group, first in zip(adam.param_groups, (rate, rate / 5), strict=True):
            group["lr"] = first * min(1.0, 4 * (iterations - step) / iterations)
        c = torch.sigmoid(logits) * inside
        if moved.any() and step % REFITTED == 0:
            extras = np.where(moved, target.best_extras(c.detach().numpy()), extras)
        square = torch.zeros_like(c)  # |∇c|², each axis by the mean over the faces to tissue
        for axis, (face, h) in enumerate(zip(faces, tissue.spacing, strict=True)):
            n = c.shape[axis]
            slope = ((c.narrow(axis, 1, n - 1) - c.narrow(axis, 0, n - 1)) / float(h)) ** 2 * face
            halves = torch.zeros_like(c).narrow_copy(axis, 0, 1)
            square = square + (torch.cat([slope, halves], axis) + torch.cat([halves, slope], axis)) / 2
        front = torch.sqrt(square + 1e-12) * torch.exp(log_width) / steeper - c * (1 - c)
        loss = (
            target.torch_loss(c, arrays, torch.as_tensor(extras, dtype=torch.float32)) / unit
            + front_weight * (front**2 * inside).sum() / size
            + smooth_weight * (square * inside).sum() / size
        )
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            log_width.clamp_(*np.log(WIDTHS_MM).tolist())
        history.append(float(loss.detach()))
    density = (torch.sigmoid(logits) * inside).detach().numpy()
    return density, float(np.exp(log_width.item())), extras, history
