"""Convolutions whose gradients are our own, and layouts."""

import pytest
import torch
import torch.nn.functional as F

from gliofit.networks.blocks import ChannelNorm, Conv3, ConvNeXtBlock, DepthwiseConv3d, FilmBlock, pack, unpack


@pytest.mark.parametrize(("kernel", "shape"), [(7, (8, 6, 9)), (3, (4, 5, 4)), (7, (2, 3, 2))])
def test_depthwise_gradients_are_pytorch_s(kernel, shape):
    torch.manual_seed(0)
    ours = DepthwiseConv3d(3, kernel).double()
    x = torch.randn(2, 3, *shape, dtype=torch.float64, requires_grad=True)
    weight, bias = (p.detach().clone().requires_grad_() for p in (ours.weight, ours.bias))
    y = x.detach().clone().requires_grad_()
    theirs = F.conv3d(y, weight, bias, padding=kernel // 2, groups=3)
    mine = ours(x)
    torch.testing.assert_close(mine, theirs)
    for out in (mine, theirs):
        out.sin().sum().backward()
    for a, b in ((x.grad, y.grad), (ours.weight.grad, weight.grad), (ours.bias.grad, bias.grad)):
        torch.testing.assert_close(a, b)


def test_depthwise_gradients_in_bfloat16_are_those_of_float32():
    torch.manual_seed(0)
    conv, x = DepthwiseConv3d(4, 7), torch.randn(2, 4, 8, 8, 8)
    conv(x).square().sum().backward()
    exact = conv.weight.grad.clone()
    conv.weight.grad = None
    with torch.autocast("cpu", torch.bfloat16):
        out = conv(x)
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    assert (conv.weight.grad - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("n", [2, 4])
def test_full_convolutions_have_sound_gradients_in_bfloat16(n):
    """On grids of 2³, PyTorch's own are garbage at times."""
    torch.manual_seed(0)
    conv, x = Conv3(32, 32), torch.randn(2, 32, n, n, n)
    conv(x).square().sum().backward()
    exact = conv.weight.grad.clone()
    for _ in range(10):
        conv.weight.grad = None
        with torch.autocast("cpu", torch.bfloat16):
            out = conv(x.bfloat16())
        out.float().square().sum().backward()
        assert (conv.weight.grad - exact).norm() < 0.02 * exact.norm()


def test_channel_norm_is_over_channels():
    x = torch.randn(2, 5, 3, 4, 2) * 3 + 1
    y = ChannelNorm(5)(x)
    torch.testing.assert_close(y.mean(1), torch.zeros(2, 3, 4, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var(1, unbiased=False), torch.ones(2, 3, 4, 2), atol=1e-3, rtol=0)


def test_blocks_start_near_the_identity():
    x = torch.randn(2, 8, 6, 6, 6)
    torch.testing.assert_close(ConvNeXtBlock(8)(x), x, atol=1e-5, rtol=0)
    torch.testing.assert_close(FilmBlock(8, 4)(x, torch.randn(2, 4)), x)


def test_packing_keeps_neighbours_together():
    x = torch.arange(2 * 3 * 4 * 6 * 2.0).view(2, 3, 4, 6, 2)
    packed = pack(x, 2)
    assert packed.shape == (2, 24, 2, 3, 1)
    torch.testing.assert_close(packed[1, 8:16, 1, 2, 0], x[1, 1, 2:4, 4:6, 0:2].reshape(8))
    torch.testing.assert_close(unpack(packed, 2), x)
