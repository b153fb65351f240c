"""
Forward surrogates: θ and anatomy → tumour cell density.

`weidner` is the paper's network, `gliofit` ours; both are called as `model(static, theta)`.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.errors import InputError
from gliofit.networks import coordinates
from gliofit.networks.blocks import Conv3, ConvNeXtBlock, FilmBlock, downsample, pack, unpack, upsample
from gliofit.networks.inputs import diffusivity_of, labels_of, maps_of, mask_of
from gliofit.theta import Box
from gliofit.tissue import Tissue


class Surrogate(nn.Module):
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

    def __init__(self, shape, spacing: float, box: Box, width: int):
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

    def channels(self, maps: Tensor) -> Tensor:
        """Static channels [..., C, x, y, z] of tissue maps [..., 3, x, y, z] (wm, gm, csf)."""
        raise NotImplementedError

    def logits(self, static: Tensor, theta: Tensor) -> Tensor:
        """Logit [B, x, y, z] of the density; static [B, C, x, y, z], θ [B, 5]."""
        raise NotImplementedError

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
    has the paper's 10.8 M parameters. It differs from the authors' in the scaling of θ to the unit cube before the
    Linear.

    The parameters' Linear ties it to one shape, whose sides must be multiples of 16.
    """

    def __init__(self, shape, spacing: float, box: Box, width: int = 32):
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
        self.coefficients = nn.Linear(5, widths[4] * voxels)
        self.up = nn.ModuleList(upsample(b, a) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(nn.Conv3d(2 * w, w, 1) for w in widths[1:4])
        self.decoder = nn.ModuleList(ConvNeXtBlock(w) for w in widths[1:4])
        self.head = nn.Conv3d(widths[0], 1, 1)

    def channels(self, maps: Tensor) -> Tensor:
        return torch.stack([labels_of(maps), mask_of(maps)], -4)

    def logits(self, static: Tensor, theta: Tensor) -> Tensor:
        unit = (theta.to(static.dtype) - self.low) / self.range
        x, skips = self.stem(static[:, :1]), []
        for block, down in zip(self.encoder, self.down, strict=True):
            x = block(x)
            skips.append(x)
            x = down(x)
        x = self.bottom(self.neck(x) + self.coefficients(unit).view(len(unit), -1, *self.neck_shape))
        for level in (3, 2, 1):
            x = self.merge[level - 1](torch.cat([self.up[level](x), skips[level]], 1))
            x = self.decoder[level - 1](x)
        return self.head(self.up[0](x))[:, 0]


class GlioFit(Surrogate):
    """
    A U-Net that corrects the linearised solution of the growth equation (see `coordinates`).

    Fed with tissue fractions and the diffusivity, and with two logits that depend on θ continuously, origin included:
    the linearised solution in uniform tissue, and the same with lengths of the fastest paths through the tissue in the
    place of distances. A strided stem brings the body to at most 32³; FiLM gives it (μ_D, μ_ρ) at every scale. The full
    resolution comes back by a skip from the input, its voxels packed into channels of the body's grid, where dense
    layers cost a tenth of convolutions at full resolution. The output is a blend of the two logits plus a correction.

    Works on any crop whose sides are multiples of 4·`stride`.

    Parameters
    ----------
    width : int
        Channels at the stem's resolution; doubled at each of the two coarser ones.
    """

    embedding = 64

    def __init__(self, shape, spacing: float, box: Box, width: int = 32):
        super().__init__(shape, spacing, box, width)
        self.stride = max(2, min(self.shape) // 32)
        if any(n % (4 * self.stride) for n in self.shape) or self.width % 4:
            raise InputError(f"the gliofit surrogate cannot work on crops of {self.shape} with width {self.width}")
        w, e, s = self.width, self.embedding, self.stride
        self.embed = nn.Sequential(nn.Linear(2, e), nn.GELU(), nn.Linear(e, e), nn.GELU())
        self.stem = nn.Conv3d(7, w, s + 2, s, padding=1)
        self.mix = Conv3(w + 2, w)
        widths = [w, 2 * w, 4 * w]
        self.encoder = nn.ModuleList(FilmBlock(n, e) for n in widths[:2])
        self.down = nn.ModuleList(nn.Conv3d(n, 2 * n, 2, 2) for n in widths[:2])
        self.neck = nn.ModuleList(FilmBlock(widths[2], e) for _ in range(2))
        self.up = nn.ModuleList(nn.ConvTranspose3d(2 * n, n, 2, 2) for n in widths[:2])
        self.merge = nn.ModuleList(nn.Conv3d(2 * n, n, 1) for n in widths[:2])
        self.decoder = nn.ModuleList(FilmBlock(n, e) for n in widths[:2])
        self.skip = nn.Conv3d(7 * s**3, 2 * w, 1)
        self.refine = nn.Conv3d(w, 2 * w, 1)
        self.head = Conv3(2 * w, 2 * s**3)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def channels(self, maps: Tensor) -> Tensor:
        return torch.cat([maps, diffusivity_of(maps)[..., None, :, :, :], mask_of(maps)[..., None, :, :, :]], -4)

    def logits(self, static: Tensor, theta: Tensor) -> Tensor:
        theta = theta.to(static.dtype)
        origin, mu_D, mu_rho = theta[:, :3], theta[:, 3], theta[:, 4]
        positions = coordinates.voxel_positions(self.shape, self.spacing, static)
        squared = coordinates.squared_distance(positions, origin)
        base = coordinates.bend(coordinates.linear_logit(squared, mu_D, mu_rho, coordinates.UNIFORM_SHARE))

        slowness, distance = self._paths(static[:, 3], positions, origin)
        winding = squared * F.interpolate(slowness, scale_factor=self.stride, mode="trilinear")[:, 0] ** 2
        share = coordinates.PATH_SHARE
        winding = coordinates.bend(coordinates.linear_logit(winding * share, mu_D, mu_rho, share))

        unit = (theta[:, 3:] - self.low[3:]) / self.range[3:]
        film = self.embed(unit)
        fine = torch.cat([static, base[:, None] / 4, winding[:, None] / 4], 1)
        x = self.mix(torch.cat([F.gelu(self.stem(fine)), slowness - 2, distance / 32 - 1], 1))
        skips = []
        for block, down in zip(self.encoder, self.down, strict=True):
            x = block(x, film)
            skips.append(x)
            x = down(x)
        for block in self.neck:
            x = block(x, film)
        for level in (1, 0):
            x = self.merge[level](torch.cat([self.up[level](x), skips[level]], 1))
            x = self.decoder[level](x, film)
        x = F.gelu(self.refine(x) + self.skip(pack(fine, self.stride)))
        blend, correction = unpack(self.head(x), self.stride).to(base.dtype).unbind(1)
        return base + torch.sigmoid(blend) * (winding - base) + correction

    def _paths(self, diffusivity: Tensor, positions: Tensor, origin: Tensor) -> tuple[Tensor, Tensor]:
        """Mean slowness on the fastest path from the origin, and the distance (mm), [B, 1, …] on the body's grid."""
        places = F.avg_pool3d(positions[None], self.stride)[0]
        step = self.spacing * self.stride
        distance = (coordinates.squared_distance(places, origin) + 0.01 * step**2).sqrt()  # nowhere 0
        straight = distance * coordinates.ray_slowness(diffusivity, self.spacing, places, origin)
        path = coordinates.shortest_paths(straight, F.avg_pool3d(diffusivity[:, None], self.stride)[:, 0], step)
        return (path / distance)[:, None], distance[:, None]


SURROGATES = {"weidner": Weidner, "gliofit": GlioFit}
