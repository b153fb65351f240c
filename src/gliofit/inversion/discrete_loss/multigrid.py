"""
The 4-D multigrid decomposition u = u₁ + T₁u₂ + T₁T₂u₃ + … (GliODIL, Eq. 9; Karnakov et al. 2023).

A change of a coarse field moves the whole of u at once, so gradient steps on all levels together travel far where
steps on u alone would diffuse from voxel to voxel.
"""

from __future__ import annotations

from typing import Any

import torch

from gliofit.inversion.discrete_loss.fused import doubled, gathered

SMALLEST = 3
"""Points per axis that a level must have left."""


def level_shapes(shape: tuple[int, ...], most: int = 4) -> list[tuple[int, ...]]:
    """
    Shapes of the levels, finest first: all axes halved from one to the next, as long as they are even.

    Parameters
    ----------
    shape : tuple of int
        Of u, [t, x, y, z].
    most : int
        Levels, at most.
    """
    shapes = [tuple(shape)]
    while len(shapes) < most and all(n % 2 == 0 and n // 2 >= SMALLEST for n in shapes[-1]):
        shapes.append(tuple(n // 2 for n in shapes[-1]))
    return shapes


def finer(field: torch.Tensor) -> torch.Tensor:
    """T: a field on the next finer grid, every axis doubled, linear between the centres of its cells."""
    if field.device.type == "cpu" and field.dtype == torch.float32:
        return _Doubled.apply(field)
    for axis in range(field.ndim):
        n = field.shape[axis]
        before = torch.cat([field.narrow(axis, 0, 1), field.narrow(axis, 0, n - 1)], axis)
        after = torch.cat([field.narrow(axis, 1, n - 1), field.narrow(axis, n - 1, 1)], axis)
        halves = [torch.lerp(field, neighbour, 0.25) for neighbour in (before, after)]
        field = torch.stack(halves, axis + 1).flatten(axis, axis + 1)
    return field


class _Doubled(torch.autograd.Function):
    """`finer` of float32 on the processor."""

    @staticmethod
    def forward(ctx: Any, field: Any) -> Any:
        return torch.from_numpy(doubled(field.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        return torch.from_numpy(gathered(upstream.numpy()))


def compose(levels: list[torch.Tensor]) -> torch.Tensor:
    """u from its levels, finest first."""
    field = levels[-1]
    for level in reversed(levels[:-1]):
        field = level + finer(field)
    return field


def decompose(field: torch.Tensor, most: int = 4) -> list[torch.Tensor]:
    """Levels of a given u: all of it in the finest, the coarser ones zero."""
    return [field, *(field.new_zeros(shape) for shape in level_shapes(field.shape, most)[1:])]
