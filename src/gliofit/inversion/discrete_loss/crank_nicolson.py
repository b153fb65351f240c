"""
The Crank–Nicolson residual of the growth equation on a space-time grid (GliODIL, Eqs. 5–8), and its gradient.

Diffusion is written as fluxes through faces: what leaves one voxel enters its neighbour, through a face that has one
diffusivity – the mean of the two voxels', 0 unless both are tissue –, so mass is conserved for any field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from gliofit.base.arrays import Array

CHUNK = 6
"""Time steps worked on at once, so that the temporaries of a 32³ grid stay in a core's cache."""


def face_coefficients(
    diffusivity: torch.Tensor, inside: torch.Tensor, spacing: Sequence[float] | Array
) -> list[torch.Tensor]:
    """
    Diffusivity of the faces between neighbours along each axis, divided by the squared spacing.

    Parameters
    ----------
    diffusivity : Tensor [x, y, z]
        Per voxel, relative to white matter's.
    inside : Tensor of bool [x, y, z]
        Tissue.
    spacing : sequence of float
        mm per axis.

    Returns
    -------
    list of 3 Tensors
        One shorter than the grid along their axis: entry i is the face between voxels i and i + 1.
    """
    faces = []
    for axis, h in enumerate(spacing):
        n = diffusivity.shape[axis]
        low, high = ([a.narrow(axis, start, n - 1) for a in (diffusivity, inside)] for start in (0, 1))
        faces.append((low[0] + high[0]) / 2 * (low[1] & high[1]) / float(h) ** 2)
    return faces


def diffusion(u: torch.Tensor, faces: list[torch.Tensor]) -> torch.Tensor:
    """∇·(D∇u) of fields [..., x, y, z]: Eq. 5 with `face_coefficients`; its sum over each field is zero."""
    out = torch.zeros_like(u)
    for axis, face in zip((-3, -2, -1), faces, strict=True):
        n = u.shape[axis]
        flux = (u.narrow(axis, 1, n - 1) - u.narrow(axis, 0, n - 1)).mul_(face)
        out.narrow(axis, 0, n - 1).add_(flux)
        out.narrow(axis, 1, n - 1).sub_(flux)
    return out


def residual(u: torch.Tensor, d_w: Any, rho: Any, faces: list[torch.Tensor], dt: float) -> torch.Tensor:
    """
    K of Eq. 7.

    Parameters
    ----------
    u : Tensor [t, x, y, z]
    d_w, rho : float or scalar Tensor
        White matter's diffusivity and the growth rate, per unit of time.
    faces : list of Tensor
    dt : float
        Between the points of time.

    Returns
    -------
    Tensor [t − 1, x, y, z]
        Per unit of time.
    """
    rate = d_w * diffusion(u, faces) + rho * u * (1 - u)
    return (u[1:] - u[:-1]) / dt - (rate[1:] + rate[:-1]) / 2


class SquaredResidual(torch.autograd.Function):
    """
    Mean of (scale·K)² over all points, K outside tissue not counted; a few time steps at a time, gradient included.

    `apply(u, d_w, rho, faces, inside, dt, scale)` → scalar. Automatic differentiation of `residual` gives the same
    (a test compares them) with three times the memory traffic.
    """

    @staticmethod
    def forward(ctx: Any, u: Any, d_w: Any, rho: Any, faces: Any, inside: Any, dt: Any, scale: Any) -> Any:
        steps = len(u) - 1
        weight = inside.to(u.dtype) * (scale**2 / (steps * inside.numel()))
        gradient = torch.zeros_like(u)
        total = u.new_zeros(3)  # loss, its derivatives by d_w and rho
        for start in range(0, steps, CHUNK):
            here = u[start : min(start + CHUNK, steps) + 1]
            spread, growth = diffusion(here, faces), here * (1 - here)
            rate = spread * d_w + growth * rho
            k = (here[1:] - here[:-1]).div_(dt).sub_(rate[1:], alpha=0.5).sub_(rate[:-1], alpha=0.5)
            g = k * weight
            total[0] += torch.dot(g.flatten(), k.flatten())
            # g is half the derivative by K; h collects it at the points of time whose rates enter
            h = torch.zeros_like(here)
            h[1:].add_(g)
            h[:-1].add_(g)
            total[1] -= torch.dot(h.flatten(), spread.flatten())
            total[2] -= torch.dot(h.flatten(), growth.flatten())
            back = diffusion(h, faces).mul_(-d_w).sub_(h.mul_(1 - 2 * here).mul_(rho))
            back[1:].add_(g, alpha=2 / dt)
            back[:-1].sub_(g, alpha=2 / dt)
            gradient[start : start + len(here)] += back
        ctx.save_for_backward(gradient, total)
        return total[0].clone()

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        gradient, total = ctx.saved_tensors
        return gradient * upstream, total[1] * upstream, total[2] * upstream, None, None, None, None
