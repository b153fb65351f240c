"""Direct inverse: density and anatomy → θ in one pass (Weidner 2026, Sec. 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth.theta import GROWTH, MIRROR, NAMES, ORIGIN
from gliofit.networks.blocks import ConvNeXtBlock, Dense, downsample, pack
from gliofit.networks.inputs import labels_of, maps_of


class Inverse(nn.Module):
    """
    ConvNeXt encoder, global average pooling and a Linear to θ.

    `weidner` is the paper's, fed with density and label map, but for its outputs: they are scaled to the unit cube of
    the prior, as raw coefficients let μ_D dominate the loss. `gliofit` also sees tissue fractions, the density's root
    and logit, and positions; its body begins at a quarter of the resolution, voxels packed into channels, and the
    origin is read from a heat map over all scales (its mean position) plus the Linear's share.

    Parameters
    ----------
    shape, spacing, box, width
        See `Surrogate`; `box` scales the outputs.
    architecture : {"gliofit", "weidner"}
    """

    role = "inverse"
    low: Tensor
    range: Tensor
    extent: Tensor
    position: Tensor

    def __init__(self, shape: Sequence[int], spacing: float, box: Box, width: int = 32, architecture: str = "gliofit"):
        super().__init__()
        if architecture not in INVERSES:
            raise InputError(f"unknown inverse network '{architecture}'; there are: {', '.join(INVERSES)}")
        self.shape, self.spacing, self.box, self.width = tuple(shape), float(spacing), box, int(width)
        self.faithful = architecture == "weidner"
        stride, levels = (1, 5) if self.faithful else (4, 3)
        if any(n % (stride * 2 ** (levels - 1)) for n in self.shape):
            raise InputError(f"the inverse network cannot work on crops of {self.shape}")
        widths = [self.width * 2**level for level in range(levels)]
        stem = nn.Conv3d(2, widths[0], 3, padding=1) if self.faithful else Dense(9 * stride**3, widths[0])
        self.stem: nn.Module = stem
        if not self.faithful:
            self.heat = nn.ModuleList(Dense(w, 1) for w in widths)
        scale = 1e-6 if self.faithful else 0.1
        self.blocks = nn.ModuleList(ConvNeXtBlock(w, layer_scale=scale) for w in widths)
        self.down = nn.ModuleList(downsample(a, b) for a, b in pairwise(widths))
        self.norm = nn.LayerNorm(widths[-1])
        self.head = nn.Linear(widths[-1], len(NAMES))
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.constant_(self.head.bias, 0.5)  # it starts at the middle of the cube
        self.register_buffer("low", torch.tensor(box.lower, dtype=torch.float32), persistent=False)
        self.register_buffer("range", torch.tensor(box.upper - box.lower, dtype=torch.float32), persistent=False)
        extent = torch.tensor([(n - 1) / 2 * self.spacing for n in self.shape])
        self.register_buffer("extent", extent, persistent=False)
        axes = [torch.linspace(-1, 1, n) for n in self.shape]
        self.register_buffer("position", torch.stack(torch.meshgrid(*axes, indexing="ij")), persistent=False)

    def unit(self, density: Tensor, maps: Tensor) -> Tensor:
        """θ̂ [B, 5] in the unit cube of `box` (not clipped) from density [B, x, y, z] and maps [B, 3, x, y, z]."""
        if self.faithful:
            x = torch.stack([density, labels_of(maps)], 1)
        else:
            # the root shows the tail, the logit the slope of the front, which is μ_ρ/μ_D
            logit = density.clamp(1e-3, 1 - 1e-3).logit()
            seen = torch.stack([density, density.clamp(min=0).add(1e-6).sqrt(), logit / 4], 1)
            where = self.position[None] * (density[:, None] > 0.05)
            x = pack(torch.cat([seen, maps, where], 1), 4)
        x, heat = self.stem(x), torch.zeros(())
        for level, block in enumerate(self.blocks):
            x = block(x if level == 0 else self.down[level - 1](x))
            if not self.faithful:
                here = self.heat[level](x).float()
                heat = heat + (F.interpolate(here, heat.shape[2:], mode="trilinear") if level else here)
        unit = self.head(self.norm(x.mean((2, 3, 4)).float()))
        if self.faithful:
            return unit
        # where the heat is: an average of positions localises better than pooled features
        weights = heat.flatten(2).softmax(-1)
        nx, ny, nz = heat.shape[2:]
        places = F.adaptive_avg_pool3d(self.position, (nx, ny, nz)).flatten(1)
        centre = (weights * places).sum(-1) * self.extent / self.range[ORIGIN]
        return unit + F.pad(centre, (0, 2))

    def to_unit(self, theta: Tensor) -> Tensor:
        """θ [B, 5] scaled to the unit cube of `box`."""
        return (theta - self.low) / self.range

    def from_unit(self, unit: Tensor) -> Tensor:
        """The inverse of `to_unit`."""
        return self.low + unit * self.range

    def forward(self, density: Tensor, maps: Tensor) -> Tensor:
        """θ̂ [B, 5], the origin in mm relative to the crop's centre point."""
        return self.from_unit(self.unit(density, maps))

    @torch.no_grad()
    def predict(self, tissue_crop: Tissue, density_crop: np.ndarray, flip: bool = True) -> np.ndarray:
        """
        θ̂ of one case.

        Parameters
        ----------
        tissue_crop : Tissue
            Of the network's shape and spacing (RAS).
        density_crop : ndarray [x, y, z]
            In [0, 1]; zero outside tissue. (`SegmentationInverse`: ½·core + ½·whole.)
        flip : bool
            Average with the prediction from the left–right mirror image.

        Returns
        -------
        ndarray (5,), float64
            Origin (mm, relative to the crop's centre point), μ_D, μ_ρ; within the network's box.

        Raises
        ------
        InputError
            On another shape or spacing, or a density that is not finite.
        """
        maps = torch.as_tensor(maps_of(tissue_crop, self)).to(self.low.device)[None]
        density = torch.as_tensor(np.ascontiguousarray(density_crop, np.float32)).to(self.low.device)[None]
        if density.shape[1:] != self.shape or not torch.isfinite(density).all():
            raise InputError(f"the density is not a finite array of {self.shape} voxels")
        found = self(density, maps).double()[0].cpu()
        if flip:
            mirror = torch.tensor(MIRROR, dtype=torch.float64)
            found = (found + mirror * self(density.flip(1), maps.flip(2)).double()[0].cpu()) / 2
        return self.box.clip(found.numpy())


class SegmentationInverse(Inverse):
    """
    The same network for tumour core and whole tumour, seen at thresholds of the density that it is not told.

    The place of the density is taken by ½·core + ½·whole. It is trained with random thresholds (`batches.outlined`).

    Outlines tell how far a front has come, μ_D·μ_ρ, and hardly its width, μ_D/μ_ρ. The mean μ_D and the mean μ_ρ of all
    tumours that look alike belong to none of them but to a larger one; so the logarithms of product and ratio are
    estimated, the product with more weight.
    """

    role = "inverse_segmentation"
    scales = (1.5, 3.0)
    """Of log μ_D·μ_ρ and log μ_D/μ_ρ."""

    def to_unit(self, theta: Tensor) -> Tensor:
        """θ [B, 5] as the network gives it: origin in the unit cube, product and ratio about the prior's middle."""
        found, middle = (t[..., GROWTH].log() for t in (theta, self.low + self.range / 2))
        product, ratio = (
            (sign[0] * (found - middle)[..., 0] + sign[1] * (found - middle)[..., 1]) / scale + 0.5
            for sign, scale in zip(((1, 1), (1, -1)), self.scales, strict=True)
        )
        return torch.cat([super().to_unit(theta)[..., ORIGIN], product[..., None], ratio[..., None]], -1)

    def from_unit(self, unit: Tensor) -> Tensor:
        product, ratio = (self.scales[k] * (unit[..., GROWTH][..., k] - 0.5) for k in range(2))
        middle = (self.low + self.range / 2)[GROWTH]
        mu = middle * torch.stack([(product + ratio) / 2, (product - ratio) / 2], -1).exp()
        return torch.cat([super().from_unit(unit)[..., ORIGIN], mu], -1)


INVERSES = ("gliofit", "weidner")
