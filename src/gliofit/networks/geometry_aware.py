"""The geometry-aware surrogate: tissue about an origin, D, ρ and T → tumour cell density (Ezhov 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.networks.blocks import pack, unpack
from gliofit.networks.grids import GEOMETRY_AWARE
from gliofit.networks.inputs import maps_of

PHYSICAL = ("D", "rho", "T")
"""The network's inputs beside tissue: D_w (mm²/day), ρ (1/day), T (days)."""

COARSEST = 8
"""Voxels that are one in the coarsest grid, along an edge: 64³ become 8³, where D, ρ and T come in."""


class _Convolutions(nn.Module):
    """Some 3³ convolutions with ReLU, plus their input."""

    def __init__(self, width: int, number: int):
        super().__init__()
        layers = [layer for _ in range(number) for layer in (nn.Conv3d(width, width, 3, padding=1), nn.ReLU())]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _convolution(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """One 3³ convolution with ReLU, which begins by keeping the scale of what it is given."""
    layer = nn.Conv3d(inside, outside, 3, stride, padding=1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.ReLU())


class GeometryAware(nn.Module):
    """
    Encoder and decoder of 3³ convolutions; D, ρ and T join at the coarsest grid (Ezhov 2021, Fig. 1, Sec. II).

    Each level of the encoder has four convolutions, added to their input, and one with stride 2. A Linear turns D, ρ
    and T into three channels of the coarsest grid, which tissue's channels are joined to. Each level of the decoder
    doubles the grid by nearest neighbours and has six convolutions, five of them in a residual block. The last one's
    output is the density, without an activation: it may leave [0, 1] a little. With four levels of 128 channels on
    64³ voxels it has the paper's 19.04 million parameters.

    So that CPUs can train it, levels may be fewer and their widths differ. With fewer levels, blocks of voxels are
    packed into channels, and the finest grid is 32³ or 16³. And it may work on a coarser grid than the crop's.

    Parameters
    ----------
    shape : sequence of 3 int
        Voxels of the crop, whose voxel n/2 holds the origin; multiples of 8.
    spacing : float
        mm.
    box : Box
        Range of D (mm²/day), ρ (1/day), T (days).
    width : int
        Channels of the finest grid.
    architecture : str
        One of `GEOMETRY_AWARE`.
    deeper : sequence of int
        Channels of the coarser grids, one to three.
    coarser : int
        Edge, in the crop's voxels, of the voxels that the network sees and answers on: the mean of the tissue in them,
        and a density that is interpolated to the crop.
    """

    role = "geometry_aware"
    low: Tensor
    range: Tensor

    def __init__(
        self,
        shape: Sequence[int],
        spacing: float,
        box: Box,
        width: int = 128,
        architecture: str = "ezhov",
        deeper: Sequence[int] = (128, 128, 128),
        coarser: int = 1,
    ):
        super().__init__()
        self.shape, self.spacing, self.box, self.width = tuple(shape), float(spacing), box, int(width)
        self.deeper, self.coarser = tuple(int(n) for n in deeper), int(coarser)
        if architecture not in GEOMETRY_AWARE:
            raise InputError(f"unknown geometry_aware '{architecture}'; there are: {', '.join(GEOMETRY_AWARE)}")
        edge = COARSEST * self.coarser
        if len(self.shape) != 3 or any(n % edge for n in self.shape):
            raise InputError(
                f"the geometry-aware surrogate takes crops of multiples of {edge} voxels, not {self.shape}"
            )
        if not 1 <= len(self.deeper) <= 3 or self.deeper[-1] <= len(PHYSICAL):
            raise InputError(
                f"deeper = {list(self.deeper)} is not one to three numbers of channels, the last above {len(PHYSICAL)}"
            )
        if box.lower.shape != (len(PHYSICAL),):
            raise InputError(f"the geometry-aware surrogate needs ranges of D, ρ and T, not of {box.lower.size} values")
        self.csf_alone, self.skips = architecture == "ezhov_csf", architecture == "ezhov_unet"
        self.block = COARSEST >> len(self.deeper)
        widths = [self.width, *self.deeper]
        self.coarsest = tuple(n // edge for n in self.shape)
        voxels = self.block**3
        self.entry = _convolution((1 if self.csf_alone else 3) * voxels, self.width)
        self.encoder = nn.ModuleList(_Convolutions(w, 4) for w in widths)
        self.down = nn.ModuleList(_convolution(a, b, stride=2) for a, b in pairwise(widths))
        self.code = _convolution(widths[-1], widths[-1] - len(PHYSICAL))
        self.physical = nn.Linear(len(PHYSICAL), len(PHYSICAL) * int(np.prod(self.coarsest)))
        self.up = nn.ModuleList(_convolution(b + a * self.skips, a) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(_Convolutions(w, 5) for w in widths)
        self.head = nn.Conv3d(self.width, voxels, 3, padding=1)
        self.register_buffer("low", torch.tensor(box.lower, dtype=torch.float32), persistent=False)
        self.register_buffer("range", torch.tensor(box.upper - box.lower, dtype=torch.float32), persistent=False)

    @property
    def options(self) -> dict[str, Any]:
        """What its card has beside the entries of every network's."""
        return {"deeper": list(self.deeper), "coarser": self.coarser}

    def forward(self, maps: Tensor, physical: Tensor) -> Tensor:
        """
        Density [B, x, y, z].

        Parameters
        ----------
        maps : Tensor [B, 3, x, y, z]
            Fractions of WM, GM and CSF; voxel n/2 holds the origin.
        physical : Tensor [B, 3]
            D_w (mm²/day), ρ (1/day), T (days).
        """
        seen = F.avg_pool3d(maps, self.coarser) if self.coarser > 1 else maps
        x = self.entry(pack(seen[:, 2:] if self.csf_alone else seen, self.block))
        finer = []
        for level, encode in enumerate(self.encoder):
            x = encode(x)
            if level < len(self.down):
                finer.append(x)
                x = self.down[level](x)
        scaled = 2 * (physical - self.low) / self.range - 1
        inputs = self.physical(scaled.to(x.dtype)).view(len(x), len(PHYSICAL), *self.coarsest)
        x = self.decoder[-1](torch.cat([inputs.to(x.dtype), self.code(x)], 1))
        for level in reversed(range(len(self.up))):
            above = F.interpolate(x, scale_factor=2, mode="nearest")
            joined = torch.cat([above, finer[level]], 1) if self.skips else above
            x = self.up[level](joined)
            # as in the paper, what is added to the block is from before the first convolution, where widths allow
            block = cast("_Convolutions", self.decoder[level])
            x = (above if x.shape == above.shape else x) + block.layers(x)
        density = unpack(self.head(x), self.block)
        return (F.interpolate(density, self.shape, mode="trilinear") if self.coarser > 1 else density)[:, 0]

    @torch.no_grad()
    def predict(self, crop: Tissue, diffusivity: float, growth_rate: float, days: float) -> np.ndarray:
        """
        The density of one tumour.

        Parameters
        ----------
        crop : Tissue
            Of the network's shape and spacing, axes along the world's; voxel n/2 holds the origin.
        diffusivity, growth_rate, days : float
            D_w (mm²/day), ρ (1/day), T (days).

        Returns
        -------
        ndarray [x, y, z], float32
            In [0, 1]; what it says of CSF and beyond the brain is its own error.
        """
        maps = torch.as_tensor(maps_of(crop, self), device=self.low.device)[None]
        physical = torch.tensor([[diffusivity, growth_rate, days]], dtype=torch.float32, device=self.low.device)
        return self(maps, physical)[0].clamp(0, 1).cpu().numpy()
