"""
The scheme of `schedule` on torch tensors, for batches of θ on one tissue.

On a GPU each Legendre stage is one Triton kernel; elsewhere the same stage is a handful of torch operations, which
serves as its check. The step counts of a batch differ: shorter schedules are filled with empty steps, and since
P_j(I + ωL) does not depend on θ, every θ picks its own two degrees from the common recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from gliofit.anatomy.tissue import Tissue
from gliofit.base.errors import InputError
from gliofit.growth.medium import medium
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.schedule import schedule
from gliofit.growth.seed import initial_density
from gliofit.growth.theta import Theta

BLOCK = 1024
"""Voxels per Triton program."""


@lru_cache
def _triton_stage():
    """The compiled stage kernel, or None where there is no Triton."""
    try:
        import triton
        import triton.language as tl
    except ImportError:
        return None

    @triton.jit
    def kernel(
        a,
        before,
        out,
        total,
        weight,
        d,
        voxels,
        sx,
        sy,
        fields,
        wx,
        wy,
        wz,
        c1,
        c2,
        add: tl.constexpr,
        block: tl.constexpr,
    ):
        field = tl.program_id(1).to(tl.int64) * voxels
        n = tl.program_id(0) * block + tl.arange(0, block)
        inside = (n >= sx) & (n < voxels - sx)
        here = tl.load(a + field + n, inside, 0.0)
        u = tl.load(d + n, inside, 0.0)
        flux = (
            wx
            * tl.maximum(u + tl.load(d + n + sx, inside, 0.0), 0.0)
            * (tl.load(a + field + n + sx, inside, 0.0) - here)
        )
        flux += (
            wx
            * tl.maximum(u + tl.load(d + n - sx, inside, 0.0), 0.0)
            * (tl.load(a + field + n - sx, inside, 0.0) - here)
        )
        flux += (
            wy
            * tl.maximum(u + tl.load(d + n + sy, inside, 0.0), 0.0)
            * (tl.load(a + field + n + sy, inside, 0.0) - here)
        )
        flux += (
            wy
            * tl.maximum(u + tl.load(d + n - sy, inside, 0.0), 0.0)
            * (tl.load(a + field + n - sy, inside, 0.0) - here)
        )
        flux += (
            wz * tl.maximum(u + tl.load(d + n + 1, inside, 0.0), 0.0) * (tl.load(a + field + n + 1, inside, 0.0) - here)
        )
        flux += (
            wz * tl.maximum(u + tl.load(d + n - 1, inside, 0.0), 0.0) * (tl.load(a + field + n - 1, inside, 0.0) - here)
        )
        value = c1 * (here + flux) - c2 * tl.load(before + field + n, inside, 0.0)
        tl.store(out + field + n, value, inside)
        if add:
            share = tl.load(weight + tl.program_id(1) // fields)
            if share != 0.0:
                tl.store(total + field + n, tl.load(total + field + n, inside, 0.0) + share * value, inside)

    return kernel


class _Operator:
    """ω·L on fields [b, f, nx, ny, nz], as one stage of the Legendre recurrence."""

    def __init__(self, diffusivity: torch.Tensor, w: tuple[float, ...], triton: bool):
        self.d, self.w = diffusivity, w
        self.kernel = _triton_stage() if triton else None
        if self.kernel is None:
            faces = []
            for axis in range(3):
                length = diffusivity.shape[axis] - 1
                pair = diffusivity.narrow(axis, 0, length) + diffusivity.narrow(axis, 1, length)
                faces.append(w[axis] * pair.clamp(min=0))
            self.faces = faces

    def stage(self, a, before, out, total, weight, c1: float, c2: float):
        """out = c1·(a + ωL a) − c2·before; total += weight·out where a weight [b] is given."""
        if self.kernel is not None:
            voxels = self.d.numel()
            grid = (-(-voxels // BLOCK), a.shape[0] * a.shape[1])
            sx, sy = self.d.shape[1] * self.d.shape[2], self.d.shape[2]
            self.kernel[grid](
                a, before, out, total, weight if weight is not None else total, self.d, voxels, sx, sy, a.shape[1],
                *self.w, c1, c2, add=weight is not None, block=BLOCK,
            )  # fmt: skip
            return
        value = a.clone()
        for axis, face in enumerate(self.faces):
            length = a.shape[axis + 2] - 1
            flux = face * (a.narrow(axis + 2, 1, length) - a.narrow(axis + 2, 0, length))
            value.narrow(axis + 2, 0, length).add_(flux)
            value.narrow(axis + 2, 1, length).sub_(flux)
        torch.sub(c1 * value, c2 * before, out=out)
        if weight is not None:
            total.add_(weight.view(-1, 1, 1, 1, 1) * out)


def simulate_batch(
    tissue: Tissue,
    thetas: Sequence[Theta],
    *,
    jacobian: bool = False,
    seed: str = "smooth",
    refine: float = 1.0,
    device: str | torch.device = "cuda",
    triton: bool | None = None,
    ratio: float = GREY_MATTER_RATIO,
) -> Any:
    """
    Grow several tumours in one tissue at once.

    Parameters
    ----------
    tissue : Tissue
    thetas : sequence of Theta
    jacobian, seed, refine, ratio
        As for `gliofit.simulate`.
    device : str or torch.device
        "cuda", or "cpu" to check against.
    triton : bool, optional
        Use the Triton kernel; by default on CUDA devices.

    Returns
    -------
    c : tensor [b, x, y, z], float32, on `device`
    J : tensor [b, 5, x, y, z], with `jacobian`

    Raises
    ------
    InputError
        If the device is not to be had.
    """
    device = torch.device(device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda' was asked for, but torch finds no GPU; use device='cpu'")
    field = medium(tissue, ratio=ratio)
    plans = [schedule(t.mu_D, t.mu_rho, tissue.spacing, field.radius, refine) for t in thetas]
    steps, count = max(p.steps for p in plans), len(thetas)
    fields = 6 if jacobian else 1  # density, ∂x, ∂y, ∂z, ∂μ_D, ∂(time scale)
    shape = field.diffusivity.shape
    operator = _Operator(
        torch.from_numpy(field.diffusivity).to(device),
        tuple(float(v) for v in 1 / field.radius / tissue.spacing**2),
        device.type == "cuda" if triton is None else triton,
    )
    y = torch.zeros((count, fields, *shape), device=device)
    a, b, total, own = (torch.zeros_like(y) for _ in range(4))
    _begin(y, tissue, thetas, plans, seed)
    table = [_filled(p, steps) for p in plans]
    stages = np.array([t[0] for t in table])

    def column(index: int, k: int) -> torch.Tensor:
        return torch.tensor(np.array([t[index][k] for t in table]), dtype=torch.float32, device=device)

    for k in range(steps):
        degree = int(stages[:, k].max())
        mix, by_mu, by_scale = column(1, k), column(2, k), column(3, k)
        flow, flow_mu, flow_scale = column(4, k), column(5, k), column(6, k)
        _diffuse(operator, y, a, b, total, own, stages[:, k], degree, mix, by_mu, by_scale, jacobian)
        _react(y, total, flow, flow_mu, flow_scale, jacobian)
    core: tuple[Any, ...] = (..., *(slice(1, n + 1) for n in tissue.shape))
    c = y[:, 0][core].contiguous()
    if not jacobian:
        return c
    J = torch.empty((count, 5, *tissue.shape), device=device)
    J[:, :4] = y[:, 1:5][core]
    for i, t in enumerate(thetas):
        scale = y[i, 5][core]
        J[i, 4] = (2 * scale - t.mu_D * J[i, 3]) / t.mu_rho if t.mu_rho > 0 else 0
    return c, J


def _filled(plan, steps: int) -> tuple:
    """A schedule's tables, padded with steps that change nothing."""
    extra = steps - plan.steps
    weights = np.concatenate([plan.weights, np.tile([1.0, 0.0, 0.0], (extra, 1))])
    pad = [np.concatenate([w, np.zeros((extra, 3))]) for w in (plan.weights_mu_D, plan.weights_scale)]
    flow = [np.concatenate([g[1:], np.zeros(extra)]) for g in (plan.growth, plan.growth_mu_D, plan.growth_scale)]
    stages = np.concatenate([plan.stages, np.full(extra, 2, np.int64)])
    return stages, weights, *pad, *flow


def _begin(y: torch.Tensor, tissue: Tissue, thetas, plans, seed: str) -> None:
    """Initial densities and tangents after the first logistic flow."""
    for i, (theta, plan) in enumerate(zip(thetas, plans, strict=True)):
        corner, start, slope = initial_density(tissue, theta.origin, seed)
        i0, i1, i2 = (slice(c + 1, c + 1 + n) for c, n in zip(corner, start.shape, strict=True))
        gain = np.expm1(plan.growth[0])
        scale = 1 / (1 + start * gain)
        flow = (1 + gain) * scale**2
        values = [start * (1 + gain) * scale]
        if y.shape[1] > 1:
            react = start * (1 - start) * flow
            values += [*(slope * flow), react * plan.growth_mu_D[0], react * plan.growth_scale[0]]
        y[i, :, i0, i1, i2] = torch.from_numpy(np.stack(values)).to(y)


def _diffuse(operator, y, a, b, total, own, stages, degree, mix, by_mu, by_scale, jacobian: bool) -> None:
    """total = (α + β P_{s−1} + γ P_s) y per θ; `own` collects the derivative of the weights on the density."""
    view = (-1, 1, 1, 1, 1)
    torch.mul(y, mix[:, 0].view(view), out=total)
    if jacobian:
        own[:, 0] = by_mu[:, 0].view(-1, 1, 1, 1) * y[:, 0]
        own[:, 1] = by_scale[:, 0].view(-1, 1, 1, 1) * y[:, 0]
    previous = y
    for j in range(1, degree + 1):
        # weights of P_j: β where this is a θ's last but one stage, γ where it is its last
        first = torch.tensor(stages - 1 == j, device=y.device)
        last = torch.tensor(stages == j, device=y.device)
        weight = mix[:, 1] * first + mix[:, 2] * last if bool((first | last).any()) else None
        c1, c2 = (2 * j - 1) / j, (j - 1) / j
        out = a if j % 2 else b
        operator.stage(y if j == 1 else previous, y if j <= 2 else out, out, total, weight, c1, c2)
        if jacobian and weight is not None:
            own[:, 0] += (by_mu[:, 1] * first + by_mu[:, 2] * last).view(-1, 1, 1, 1) * out[:, 0]
            own[:, 1] += (by_scale[:, 1] * first + by_scale[:, 2] * last).view(-1, 1, 1, 1) * out[:, 0]
        previous = out
    if jacobian:
        total[:, 4] += own[:, 0]
        total[:, 5] += own[:, 1]


def _react(y, total, flow, flow_mu, flow_scale, jacobian: bool) -> None:
    """y = exact logistic flow of `total`."""
    view = (-1, 1, 1, 1)
    gain = torch.expm1(flow).view(view)
    c = total[:, 0]
    scale = 1 / (1 + c * gain)
    if jacobian:
        slope = (1 + gain) * scale**2
        react = c * (1 - c)
        y[:, 1:4] = total[:, 1:4] * slope[:, None]
        y[:, 4] = slope * (total[:, 4] + flow_mu.view(view) * react)
        y[:, 5] = slope * (total[:, 5] + flow_scale.view(view) * react)
    y[:, 0] = c * (1 + gain) * scale
