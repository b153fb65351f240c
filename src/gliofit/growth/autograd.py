"""The numerical solver as a differentiable torch function of θ."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike

from gliofit.anatomy.tissue import Tissue
from gliofit.growth.fisher_kolmogorov import simulate
from gliofit.growth.theta import Theta


class _Simulate(torch.autograd.Function):
    """Forward: density and Jacobian in one run; backward: J contracted with the incoming gradient."""

    @staticmethod
    def forward(ctx, theta, tissue, settings):
        numbers = theta.detach().cpu().double().numpy()
        first, *further = numbers[:-2].reshape(-1, 3)
        values = Theta.from_array(np.concatenate([first, numbers[-2:]]))
        settings = {**settings, "further": further}
        if not ctx.needs_input_grad[0]:
            return torch.from_numpy(simulate(tissue, values, **settings)).to(theta.device)
        density, jacobian = simulate(tissue, values, jacobian=True, **settings)
        ctx.save_for_backward(torch.from_numpy(jacobian).to(theta.device))
        ctx.dtype = theta.dtype
        return torch.from_numpy(density).to(theta.device)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        (jacobian,) = ctx.saved_tensors
        return torch.einsum("ixyz,xyz->i", jacobian, gradient.to(jacobian.dtype)).to(ctx.dtype), None, None


def simulate_torch(
    tissue: Tissue, theta: torch.Tensor, *, dtype: DTypeLike = np.float32, **settings: Any
) -> torch.Tensor:
    """
    Tumour-cell density [x, y, z] at θ, differentiable once in θ.

    Parameters
    ----------
    tissue : Tissue
    theta : tensor (5 + 3·further,)
        [x, y, z, further origins, μ_D, μ_ρ], origins in mm of the tissue's space.
    dtype : float32 or float64
        Of the solver and of the density.
    **settings
        As for `gliofit.simulate` (seed, threads, refine, device).

    Notes
    -----
    The gradient is that of the discrete scheme, from tangents that run along with it: it costs what
    `simulate(…, jacobian=True)` costs, for any number of later `backward` calls.
    """
    return _Simulate.apply(theta, tissue, {"dtype": dtype, **settings})
