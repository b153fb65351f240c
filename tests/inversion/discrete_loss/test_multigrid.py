"""The multigrid decomposition: any field, exact gradients, what the operators keep."""

from __future__ import annotations

import torch

from gliofit.inversion.discrete_loss.multigrid import compose, decompose, finer, level_shapes


def test_all_four_axes_are_halved_as_long_as_they_can_be():
    assert level_shapes((192, 48, 48, 48)) == [(192, *[48] * 3), (96, *[24] * 3), (48, *[12] * 3), (24, *[6] * 3)]
    assert level_shapes((48, 32, 32, 32), 3) == [(48, 32, 32, 32), (24, 16, 16, 16), (12, 8, 8, 8)]
    assert level_shapes((9, 8, 8, 8)) == [(9, 8, 8, 8)]


def test_every_field_has_levels_and_they_add_up():
    generator = torch.Generator().manual_seed(1)
    u = torch.rand((8, 8, 8, 8), generator=generator)
    levels = decompose(u)
    assert [tuple(v.shape) for v in levels] == level_shapes(u.shape)
    torch.testing.assert_close(compose(levels), u)
    others = [torch.rand(v.shape, generator=generator) for v in levels]
    torch.testing.assert_close(compose(others), others[0] + finer(others[1]))


def test_interpolation_keeps_constants_and_slopes():
    assert torch.equal(finer(torch.full((3, 4, 3, 5), 0.7)), torch.full((6, 8, 6, 10), 0.7))
    slope = torch.arange(5.0)[:, None, None, None].expand(5, 3, 3, 3)
    steps = finer(slope).diff(dim=0)[1:-1]
    torch.testing.assert_close(steps, torch.full_like(steps, 0.5))


def test_the_gradient_reaches_every_level():
    generator = torch.Generator().manual_seed(2)
    levels = [torch.rand(s, generator=generator, dtype=torch.float64) for s in level_shapes((6, 6, 6, 6))]
    levels = [v.requires_grad_() for v in levels]
    assert len(levels) == 2
    assert torch.autograd.gradcheck(lambda *v: (compose(list(v)) ** 2).sum(), levels)
