"""Building blocks of the networks: convolutions on [B, C, x, y, z]."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Depthwise(torch.autograd.Function):
    """
    A depthwise convolution with stride 1 and "same" padding whose gradients are fast on the CPU.

    PyTorch's own CPU gradients of it take 10–100 times as long as the forward pass. The input's gradient is a forward
    convolution with the mirrored kernel; the kernel's is a cross-correlation, taken by FFT.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv3d(x, weight, padding=weight.shape[-1] // 2, groups=weight.shape[0])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        by_x = by_weight = None
        k = weight.shape[-1]
        if ctx.needs_input_grad[0]:
            by_x = F.conv3d(grad, weight.flip(2, 3, 4), padding=k // 2, groups=weight.shape[0])
        if ctx.needs_input_grad[1]:
            real = torch.float64 if x.dtype == torch.float64 else torch.float32
            size = [n + k - 1 for n in x.shape[2:]]  # no shift wraps around
            spectrum = torch.fft.rfftn(x.to(real), size, (2, 3, 4))
            spectrum *= torch.fft.rfftn(grad.to(real), size, (2, 3, 4)).conj()
            correlation = torch.fft.irfftn(spectrum.sum(0), size, (1, 2, 3))
            correlation = correlation.roll((k // 2,) * 3, (1, 2, 3))[:, :k, :k, :k]
            by_weight = correlation[:, None].to(weight.dtype)
        return by_x, by_weight


class DepthwiseConv3d(nn.Conv3d):
    """Each channel convolved with its own k³ kernel (k odd), zero-padded to the same size."""

    def __init__(self, channels: int, kernel: int = 7):
        super().__init__(channels, channels, kernel, padding=kernel // 2, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        assert self.bias is not None
        if x.is_cuda:
            return super().forward(x)
        if torch.is_autocast_enabled("cpu"):
            # an autograd function of our own is not cast by autocast
            kind = torch.get_autocast_dtype("cpu")
            return _Depthwise.apply(x.to(kind), self.weight.to(kind)) + self.bias.to(kind)[:, None, None, None]
        return _Depthwise.apply(x, self.weight) + self.bias[:, None, None, None]


class _FrozenConv3(torch.autograd.Function):
    """
    A 3³ convolution whose weights are fixed, by oneDNN both ways.

    PyTorch takes another path for one sample on one thread, which is up to ten times as slow.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return torch.mkldnn_convolution(x, weight, bias, (1,) * 3, (1,) * 3, (1,) * 3, 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        (weight,) = ctx.saved_tensors
        mirrored = weight.flip(2, 3, 4).transpose(0, 1).contiguous()
        return torch.mkldnn_convolution(grad.contiguous(), mirrored, None, (1,) * 3, (1,) * 3, (1,) * 3, 1), None, None


class Conv3(nn.Conv3d):
    """A full 3³ convolution, zero-padded to the same size."""

    def __init__(self, inside: int, outside: int):
        super().__init__(inside, outside, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        kind = x.device.type
        if not torch.is_autocast_enabled(kind):
            plain = kind != "cpu" or x.dtype != torch.float32 or (self.weight.requires_grad and torch.is_grad_enabled())
            if plain or not torch.backends.mkldnn.is_available():
                return super().forward(x)
            return _FrozenConv3.apply(x.contiguous(), self.weight, self.bias)
        if min(x.shape[2:]) > 2:
            return super().forward(x)
        # oneDNN's bfloat16 gradients of 3³ convolutions are garbage on grids of two voxels (torch 2.13)
        with torch.autocast(kind, enabled=False):
            return super().forward(x.float())


class Dense(nn.Linear):
    """The same linear map of the channels at every voxel (a 1³ convolution)."""

    def forward(self, x: Tensor) -> Tensor:
        return (self.weight @ x.flatten(2) + self.bias[:, None]).view(len(x), -1, *x.shape[2:])


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each voxel (ε = 1e-6)."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ConvNeXtBlock(nn.Module):
    """
    ConvNeXt in three dimensions (Liu et al. 2022; Weidner 2026, Sec. 2.2).

    Depthwise k³ → LayerNorm over channels → Linear ×4 → GELU → Linear → layer scale → residual.

    Parameters
    ----------
    channels : int
    kernel : int
        Paper: 7.
    layer_scale : float
        Its initial value (paper: 1e-6).
    """

    def __init__(self, channels: int, kernel: int = 7, layer_scale: float = 1e-6):
        super().__init__()
        self.depthwise = DepthwiseConv3d(channels, kernel)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, 4 * channels)
        self.contract = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).movedim(1, -1))
        y = self.contract(F.gelu(self.expand(y))) * self.scale
        return x + y.movedim(-1, 1)


class FilmBlock(nn.Module):
    """
    Two full 3³ convolutions in a residual block, modulated channel by channel (FiLM) by an embedding.

    Full convolutions, as their weight gradients are fast on the CPU where depthwise ones' are not. Each voxel is
    normalised by itself (root mean square of its channels): the block does the same to a window as to the whole grid.

    Parameters
    ----------
    channels : int
    embedding : int
        Length of the embedding [B, embedding] of the parameters.
    """

    def __init__(self, channels: int, embedding: int):
        super().__init__()
        self.convs = nn.ModuleList(Conv3(channels, channels) for _ in range(2))
        self.film = nn.Linear(embedding, 4 * channels)
        for last in (*self.convs[1].parameters(), *self.film.parameters()):
            nn.init.zeros_(last)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        film = self.film(embedding)[..., None, None, None].chunk(4, dim=1)
        y = self.convs[0](F.gelu(normalised(x) * (1 + film[0]) + film[1]))
        y = self.convs[1](F.gelu(normalised(y) * (1 + film[2]) + film[3]))
        return x + y


def normalised(x: Tensor) -> Tensor:
    """Each voxel of [B, C, x, y, z] by the root mean square of its channels."""
    return x * (x.square().mean(1, keepdim=True) + 1e-3).rsqrt()


def downsample(inside: int, outside: int) -> nn.Module:
    """Halve the grid: channel normalisation and a convolution k2 s2."""
    return nn.Sequential(ChannelNorm(inside), nn.Conv3d(inside, outside, 2, 2))


def upsample(inside: int, outside: int) -> nn.Module:
    """Double the grid: channel normalisation and a transposed convolution k2 s2."""
    return nn.Sequential(ChannelNorm(inside), nn.ConvTranspose3d(inside, outside, 2, 2))


def pack(x: Tensor, s: int) -> Tensor:
    """Blocks of s³ voxels into channels: [B, C, x, y, z] → [B, C·s³, x/s, y/s, z/s]."""
    b, c, *shape = x.shape
    grid = [k for n in shape for k in (n // s, s)]
    return x.view(b, c, *grid).permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(b, c * s**3, *(n // s for n in shape))


def unpack(x: Tensor, s: int) -> Tensor:
    """The inverse of `pack`."""
    b, c, *shape = x.shape
    x = x.view(b, c // s**3, s, s, s, *shape).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return x.reshape(b, c // s**3, *(n * s for n in shape))
