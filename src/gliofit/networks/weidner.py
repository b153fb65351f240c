"""The paper's surrogate: a ConvNeXt-U-Net (Weidner 2026, Sec. 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth.theta import NAMES
from gliofit.networks.blocks import Conv3, ConvNeXtBlock, downsample, upsample
from gliofit.networks.grids import COARSER_GRIDS
from gliofit.networks.inputs import labels_of, mask_of
from gliofit.networks.surrogate import Surrogate


class Weidner(Surrogate):
    """
    ConvNeXt-U-Net of the paper (Weidner 2026, Sec. 2.2, Fig. 1a; details from the authors' code).

    One channel of raw labels; a 3³ convolution to `width` channels; four stages of one ConvNeXt block each and a neck,
    widths doubling; one Linear from θ to the neck, added voxel by voxel, and a block after it; skips (concatenation
    and a 1³ convolution) at the three coarser decoder stages only, none at full resolution. At 128³ with width 32 it
    has the paper's 10.8 M parameters. It differs from the authors' in two things that shorten the training: θ is scaled
    to the unit cube before the Linear, and the Linear begins steep, each of its outputs zero on a plane through a
    random point of the cube. (The network has to make a place in space of linear functions of the origin: with
    PyTorch's own initial values, the error after 1,200 samples was twice as large.)

    The parameters' Linear ties it to one shape, whose sides must be multiples of 16.

    So that a CPU can train it, it can learn on coarser grids first (`coarser`): its blocks down to the neck, where θ
    comes in, are the same there, and a sample costs less (at 64³ and width 16 0.9 CPU seconds, 0.4 on a grid twice as
    coarse, 0.1 on one four times as coarse). Two convolutions for each such grid stand in for the finer blocks; they
    have no part in the network's use.
    """

    coarser_grids = COARSER_GRIDS
    """Factors on the spacing that it can be trained at."""

    def __init__(self, shape: Sequence[int], spacing: float, box: Box, width: int = 32):
        super().__init__(shape, spacing, box, width)
        if any(n % 16 for n in self.shape):
            raise InputError(f"the weidner surrogate needs crops of multiples of 16 voxels, not {self.shape}")
        widths = [self.width * 2**level for level in range(5)]
        self.neck_shape = tuple(n // 16 for n in self.shape)
        self.stem = Conv3(1, widths[0])
        self.encoder = nn.ModuleList(ConvNeXtBlock(w) for w in widths[:4])
        self.down = nn.ModuleList(downsample(a, b) for a, b in pairwise(widths))
        self.neck = ConvNeXtBlock(widths[4])
        self.bottom = ConvNeXtBlock(widths[4])
        voxels = self.neck_shape[0] * self.neck_shape[1] * self.neck_shape[2]
        self.coefficients = nn.Linear(len(NAMES), widths[4] * voxels)
        with torch.no_grad():
            steep = self.coefficients.weight.normal_(std=2)
            self.coefficients.bias.copy_(-(steep * torch.rand_like(steep)).sum(1))
        self.up = nn.ModuleList(upsample(b, a) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(nn.Conv3d(2 * w, w, 1) for w in widths[1:4])
        self.decoder = nn.ModuleList(ConvNeXtBlock(w) for w in widths[1:4])
        self.head = nn.Conv3d(widths[0], 1, 1)
        self.coarse_stem = nn.ModuleList(Conv3(1, w) for w in widths[1:3])
        self.coarse_head = nn.ModuleList(nn.Conv3d(w, 1, 1) for w in widths[1:3])

    def channels(self, maps: Tensor) -> Tensor:
        return torch.stack([labels_of(maps), mask_of(maps)], -4)

    def logits(self, static: Tensor, theta: Tensor) -> Tensor:
        return self.head(self.up[0](self._body(self.stem(static[:, :1]), theta, 0)))[:, 0]

    def coarser(self, static: Tensor, theta: Tensor, factor: int) -> Tensor:
        """Density [B, x/factor, …] on a grid `factor` (2 or 4) times as coarse, for training."""
        level = self.coarser_grids.index(factor)
        static = F.avg_pool3d(static, factor)
        x = self._body(self.coarse_stem[level](static[:, :1]), theta, level + 1)
        return torch.sigmoid(self.coarse_head[level](x)[:, 0].float()) * static[:, -1]

    def _body(self, x: Tensor, theta: Tensor, finest: int) -> Tensor:
        """Features of level `finest` → down to the neck and back up to it (level 0: up to level 1)."""
        unit = (theta.to(self.low.dtype) - self.low) / self.range
        skips = {}
        for level in range(finest, 4):
            skips[level] = x = self.encoder[level](x)
            x = self.down[level](x)
        x = self.bottom(self.neck(x) + self.coefficients(unit).view(len(unit), -1, *self.neck_shape))
        for level in range(3, max(finest, 1) - 1, -1):
            x = self.merge[level - 1](torch.cat([self.up[level](x), skips[level]], 1))
            x = self.decoder[level - 1](x)
        return x
