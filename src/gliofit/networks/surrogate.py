"""
Forward surrogates: θ and anatomy → tumour cell density.

`weidner` is the paper's network, `gliofit` ours; both are called as `model(static, theta)`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth.autograd import simulate_torch
from gliofit.growth.theta import GROWTH, NAMES, ORIGIN
from gliofit.networks.blocks import Conv3, ConvNeXtBlock, Dense, FilmBlock, downsample, pack, unpack, upsample
from gliofit.networks.grids import COARSER_GRIDS
from gliofit.networks.inputs import diffusivity_of, labels_of, maps_of, mask_of

FAINTEST = 1e-4
"""Added to c and to 1 − c in a logit, which then stays within ±9.2."""

FAINTEST_LOGIT = math.log(FAINTEST / (1 + FAINTEST))
"""Where c is 0."""

REACHED_LOGIT = math.log(2e-2)
"""Of the lowest density that is worth a correction."""

MARGIN = 3
"""Voxels about them that the correction is made in, too."""


class Surrogate(nn.Module, ABC):
    """
    What every surrogate is.

    Parameters
    ----------
    shape : tuple of int
        Voxels of the crop.
    spacing : float
        mm.
    box : Box
        Range of [x, y, z, μ_D, μ_ρ] seen in training, the origin relative to the crop's centre in mm.
    width : int
        Channels at the finest level of the body.
    """

    role = "surrogate"
    low: Tensor
    range: Tensor

    def __init__(self, shape: Sequence[int], spacing: float, box: Box, width: int):
        super().__init__()
        self.shape, self.spacing, self.box, self.width = tuple(shape), float(spacing), box, int(width)
        self.register_buffer("low", torch.tensor(box.lower, dtype=torch.float32), persistent=False)
        self.register_buffer("range", torch.tensor(box.upper - box.lower, dtype=torch.float32), persistent=False)

    def prepare(self, tissue_crop: Tissue) -> Tensor:
        """
        The anatomy as the network sees it.

        Parameters
        ----------
        tissue_crop : Tissue
            Of the network's shape and spacing, axes along the world's (RAS).

        Returns
        -------
        Tensor [C, x, y, z]
        """
        return self.channels(torch.as_tensor(maps_of(tissue_crop, self)).to(self.low.device))

    @abstractmethod
    def channels(self, maps: Tensor) -> Tensor:
        """Static channels [..., C, x, y, z] of tissue maps [..., 3, x, y, z] (wm, gm, csf)."""

    @abstractmethod
    def logits(self, static: Tensor, theta: Tensor) -> Tensor:
        """Logit [B, x, y, z] of the density; static [B, C, x, y, z], θ [B, 5]."""

    def forward(self, static: Tensor, theta: Tensor) -> Tensor:
        """
        Density for each θ.

        Parameters
        ----------
        static : Tensor [C, x, y, z] or [B, C, x, y, z]
            From `prepare` (or `channels`); its last channel is the tissue mask. Without B it serves every θ.
        theta : Tensor [B, 5]
            Origin in mm relative to the crop's centre point (world axes), μ_D (mm), μ_ρ.

        Returns
        -------
        Tensor [B, x, y, z]
            In [0, 1], 0 outside tissue; differentiable in θ.
        """
        if static.ndim == 4:
            static = static[None].expand(len(theta), *static.shape)
        return torch.sigmoid(self.logits(static, theta).to(static.dtype)) * static[:, -1]


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


class GlioFit(Surrogate):
    """
    A run of the solver on a coarser grid, corrected by a small U-Net.

    Four thirds of the spacing take a third of the time and have most of what a tumour does: where it begins, which way
    it grows and how far. Its derivatives are the solver's own (`simulate_torch`), the origin's included. The network
    adds a correction to the logit that is interpolated from the coarse run. It is fed with that logit, the diffusivity
    and the mask, voxels packed into channels of a grid half as fine, and with (μ_D, μ_ρ) by FiLM at every scale.

    Works on any crop whose sides are multiples of 8.

    Parameters
    ----------
    width : int
        Channels on the grid half as fine; three and six times as many at the two levels below.
    """

    embedding = 64

    def __init__(self, shape: Sequence[int], spacing: float, box: Box, width: int = 16):
        super().__init__(shape, spacing, box, width)
        if any(n % 8 for n in self.shape) or self.width % 4:
            raise InputError(f"the gliofit surrogate cannot work on crops of {self.shape} with width {self.width}")
        w, e = self.width, self.embedding
        widths = [w, 3 * w, 6 * w]
        self.embed = nn.Sequential(nn.Linear(2, e), nn.GELU(), nn.Linear(e, e), nn.GELU())
        self.stem = Conv3(3 * 8, w)
        self.down = nn.ModuleList(Dense(8 * a, b) for a, b in pairwise(widths))
        self.encoder = FilmBlock(widths[1], e)
        self.neck = FilmBlock(widths[2], e)
        self.up = nn.ModuleList(Dense(b, 8 * a) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(Dense(2 * n, n) for n in widths[:2])
        self.decoder = nn.ModuleList(FilmBlock(n, e) for n in widths[:2])
        self.refine = Dense(w + 3 * 8, 4 * w)
        self.head = Dense(4 * w, 8)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def channels(self, maps: Tensor) -> Tensor:
        fields = diffusivity_of(maps), mask_of(maps)
        return torch.cat([maps[..., :2, :, :, :], *(f[..., None, :, :, :] for f in fields)], -4)

    def logits(self, static: Tensor, theta: Tensor) -> Tensor:
        theta = theta.to(static.dtype)
        base = self.coarse(static, theta)
        box = self.reached(base)
        corrected = base.clone()
        corrected[box] = self._corrected(static[(slice(None), *box)], base[box], theta)
        return corrected

    @staticmethod
    @torch.no_grad()
    def reached(base: Tensor) -> tuple[slice, ...]:
        """
        The part of [B, x, y, z] where there are cells by the coarse run's logit, and a margin: nothing else changes.

        Its faces lie between the network's coarsest voxels. Tumours fill a part of the crop, and the correction is a
        local matter, learned on windows. One box serves a batch; where its faces are changes densities by 0.01 at most.
        """
        cells = (base > REACHED_LOGIT).any(0)
        box: list[slice] = [slice(None)]
        for axis, n in enumerate(cells.shape):
            places = cells.movedim(axis, 0).flatten(1).any(1).nonzero()
            low, high = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
            box.append(slice(max(low - MARGIN, 0) // 8 * 8, min(-(-(high + MARGIN) // 8) * 8, n)))
        return tuple(box)

    def window(self, static: Tensor, theta: Tensor, corners: Tensor, edge: int) -> Tensor:
        """
        Density [B, edge, edge, edge] in windows of the crop, for training.

        Parameters
        ----------
        static, theta
            As for `forward`.
        corners : Tensor [B, 3]
            First voxel of each window; even.
        edge : int
            Voxels; a multiple of 8.
        """
        theta = theta.to(static.dtype)
        inside, base = (cut(fields, corners, edge) for fields in (static, self.coarse(static, theta)))
        return torch.sigmoid(self._corrected(inside, base, theta)) * inside[:, -1]

    def _corrected(self, static: Tensor, base: Tensor, theta: Tensor) -> Tensor:
        """The logit [B, x, y, z] from that of the coarse run (alike)."""
        film = self.embed((theta[:, GROWTH] - self.low[GROWTH]) / self.range[GROWTH])
        fine = pack(torch.cat([static[:, 2:], base[:, None] / 4], 1), 2)
        x = F.gelu(self.stem(fine))
        skips = [x, self.encoder(self.down[0](pack(x, 2)), film)]
        x = self.neck(self.down[1](pack(skips[1], 2)), film)
        for level in (1, 0):
            x = self.merge[level](torch.cat([unpack(self.up[level](x), 2), skips[level]], 1))
            x = self.decoder[level](x, film)
        x = F.gelu(self.refine(torch.cat([x, fine], 1)))
        return base + unpack(self.head(x), 2).to(base.dtype)[:, 0]

    def coarse(self, static: Tensor, theta: Tensor) -> Tensor:
        """
        Logit [B, x, y, z] of the solver's density at four thirds of the spacing.

        Fronts that a grid does not resolve travel too fast on it. On a lattice of spacing h, a front's speed is the
        minimum over k of (ρ + 2D·(cosh kh − 1)/h²)/k; asking for the same speed on both grids gives D a factor, whose
        power 0.7 suits curved fronts in real tissue best. With x = μ_D/(μ_ρ·h), h of the finer grid, that is
        1/(1 + 0.104/(x² + 1.6·x)), to 0.012. MSE over 24 SRI24 tumours: without it 5.5e-4, with it 2.5e-4.
        """
        with torch.no_grad(), torch.autocast(static.device.type, enabled=False):
            maps = static[:, :2]
            for axis in (2, 3, 4):
                shares = _shares(maps.shape[axis]).to(maps)
                maps = torch.tensordot(maps, shares, ([axis], [1])).movedim(-1, axis)
            mask = mask_of(maps)[:, None]
        step = self.spacing * 4 / 3
        affine = np.diag([step, step, step, 1.0])
        affine[:3, 3] = [-(n - 1) / 2 * step for n in maps.shape[2:]]  # the crop's centre is at 0
        resolved = theta[:, 3] / (theta[:, 4] * self.spacing)
        slower = torch.rsqrt(1 + 0.104 / (resolved * (resolved + 1.6)))
        theta = torch.cat([theta[:, ORIGIN], (theta[:, 3] * slower)[:, None], theta[:, 4:]], 1)
        kind = np.float64 if static.dtype == torch.float64 else np.float32
        densities, threads = [], torch.get_num_threads()
        for (wm, gm), values in zip(maps.cpu().numpy(), theta, strict=True):
            tissue = Tissue(wm, gm, np.zeros_like(wm), affine)
            densities.append(simulate_torch(tissue, values, dtype=kind, threads=1))
        torch.set_num_threads(threads)  # numba's choice would hold for torch, where they share OpenMP
        density = torch.stack(densities)[:, None].to(static.dtype)
        logit = torch.log((density + FAINTEST) / (1 - density + FAINTEST))
        # from tissue voxels alone, as far as there are
        parts = torch.cat([(logit - FAINTEST_LOGIT) * mask, mask], 1)
        value, weight = F.interpolate(parts, self.shape, mode="trilinear").unbind(1)
        return FAINTEST_LOGIT + value / (weight + 1e-3)


def _shares(voxels: int) -> Tensor:
    """Share of each voxel of a row in the means over voxels four thirds as long, [¾·voxels, voxels]."""
    thirds = torch.eye(voxels).repeat_interleave(3, 1)
    return thirds.reshape(voxels, -1, 4).mean(2).T


def cut(fields: Tensor, corners: Tensor, edge: int) -> Tensor:
    """A window [B, …, edge, edge, edge] of each sample of fields [B, …, x, y, z], from its corner [B, 3] on."""
    windows = [
        f[(..., *(slice(k, k + edge) for k in corner))] for f, corner in zip(fields, corners.tolist(), strict=True)
    ]
    return torch.stack(windows)


SURROGATES = {"weidner": Weidner, "gliofit": GlioFit}
