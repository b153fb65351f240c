"""Our network for outlines in the atlas's space: voxels about the tumour vote for where and how it grew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.networks.blocks import normalised
from gliofit.networks.inputs import diffusivity_of
from gliofit.networks.outline_ways import outline_ways

EXTENT_MM = 128.0
"""Edge of the crop about the tumour: hardly a cell of one of the prior's volume lies beyond."""

WAY_MM = 20.0
"""Unit of ways for the network."""

OFFSET_MM = 20.0
"""Unit of how far from itself a voxel may put the origin."""

SEEN = 0.2
"""Of an image, above which a voxel is whole tumour."""

EVERYWHERE = 0.01
"""Added to the share of tumour in a voxel, by which its vote counts before anything is learned."""

HIDDEN = 128

CHANNELS = 8
"""Core, whole tumour, WM, GM, CSF and three ways."""

SUMMARY = 39
"""Numbers that `_summary` has for a case."""


class Seen(NamedTuple):
    """
    What the network sees of a batch.

    Parameters
    ----------
    channels : Tensor [B, CHANNELS, n, n, n]
    summary : Tensor [B, SUMMARY]
    corner : Tensor [B, 3]
        The crop's first voxel in the window.
    """

    channels: Tensor
    summary: Tensor
    corner: Tensor


def crop_edge(spacing: float) -> int:
    """Voxels along an edge of the crop; three times halved by the network."""
    return 8 * math.ceil(EXTENT_MM / (8 * spacing) - 1e-6)


@torch.no_grad()
def see(image: Tensor, maps: Tensor, spacing: float) -> Seen:
    """
    A crop about each image's centre of mass, with ways and a summary.

    Parameters
    ----------
    image : Tensor [B, x, y, z]
        `outlines_image` on the window.
    maps : Tensor [B, 3, x, y, z]
        Fractions of WM, GM and CSF there.
    spacing : float
        mm.
    """
    n = crop_edge(spacing)
    total = image.sum((1, 2, 3)).clamp(min=1e-6)
    corners, crops = [], []
    for axis in range(3):
        along = image.sum([a + 1 for a in range(3) if a != axis])
        place = torch.arange(image.shape[axis + 1], device=image.device, dtype=image.dtype)
        corners.append((along @ place / total).round().long() - n // 2)
    corner = torch.stack(corners, 1)
    for case, first in enumerate(corner.tolist()):
        crop = image.new_zeros(4, n, n, n)
        size = image.shape[1:]
        into = tuple(slice(max(-c, 0), min(n, s - c)) for c, s in zip(first, size, strict=True))
        out = tuple(slice(max(c, 0), min(c + n, s)) for c, s in zip(first, size, strict=True))
        crop[0][into], crop[1:][:, *into] = image[case][out], maps[case][:, *out]
        crops.append(crop)
    crop = torch.stack(crops)
    core, whole, tissue = crop[:, 0] > 0.5, crop[:, 0] > SEEN, crop[:, 1:]
    inner, outer, wm, gm = (np.ascontiguousarray(t.cpu().numpy()) for t in (core, whole, tissue[:, 0], tissue[:, 1]))
    ways = torch.from_numpy(outline_ways(inner, outer, wm, gm, spacing)).to(image.device)
    channels = torch.cat([core[:, None], whole[:, None], tissue, ways / WAY_MM], 1)
    return Seen(channels, _summary(core.float(), whole.float(), tissue, ways, spacing), corner)


def _moments(weight: Tensor, spacing: float) -> tuple[Tensor, Tensor, Tensor]:
    """Sum [B], mean [B, 3] (mm from the crop's centre) and covariance [B, 6] (mm²) of weights [B, n, n, n]."""
    n = weight.shape[-1]
    axis = (torch.arange(n, device=weight.device) - (n - 1) / 2) * spacing
    total = weight.sum((1, 2, 3))
    each = total.clamp(min=1e-6)[:, None]
    pairs = [weight.sum(left) for left in (3, 2, 1)]  # xy, xz, yz
    lines = [pairs[0].sum(2), pairs[0].sum(1), pairs[1].sum(1)]
    mean = torch.stack([line @ axis for line in lines], 1) / each
    square = torch.stack([line @ axis**2 for line in lines], 1) / each - mean**2
    mixed = torch.stack([torch.einsum("bij,i,j->b", pair, axis, axis) for pair in pairs], 1) / each
    product = torch.stack([mean[:, a] * mean[:, b] for a, b in ((0, 1), (0, 2), (1, 2))], 1)
    return total, mean, torch.cat([square, mixed - product], 1)


def _summary(core: Tensor, whole: Tensor, maps: Tensor, ways: Tensor, spacing: float) -> Tensor:
    """Sizes, places, shapes, tissue and depths of the outlines [B, SUMMARY], each of the order of one."""
    voxels_per_litre, fast = 1e6 / spacing**3, diffusivity_of(maps)
    regions, numbers = (whole, core, whole - core), []
    sizes = [region.sum((1, 2, 3)).clamp(min=1)[:, None] for region in regions]

    def mean(field: Tensor, index: int) -> Tensor:
        return (field * regions[index]).sum((1, 2, 3))[:, None] / sizes[index]

    for index, region in enumerate(regions[:2]):
        total, middle, covariance = _moments(region, spacing)
        there = (total > 0).float()[:, None]
        size = (total / voxels_per_litre + 1e-5).log()[:, None] / 2 + 1
        numbers += [size, there, middle * there / 10, covariance * there / 200, mean(fast, index)]
    for index, way in enumerate((ways / WAY_MM).unbind(1)):
        numbers += [way.amax((1, 2, 3))[:, None], mean(way, index), mean(way.square(), index).sqrt()]
        if index < 2:  # where it is deepest
            numbers.append(_moments(way**8, spacing)[1] / 10)
    return torch.cat(numbers, 1)


class _Block(nn.Module):
    """Two 3³ convolutions beside their input; each voxel is normalised by itself before them."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = (nn.Conv3d(width, width, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type] # it has one

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(normalised(x))))


class Votes(nn.Module):
    """
    A small U-Net on the crop's grid and three coarser ones; voxels of twice its spacing vote.

    Each votes for the origin, by its own place and an offset, and for the growth; two softmax weights say how much it
    counts, in proportion to the tumour in it before anything is learned. What a perceptron makes of pooled features and
    the outlines' summary is added.

    Parameters
    ----------
    spacing : float
        mm.
    width : int
        Channels of the finest grid that is convolved, twice the crop's spacing; twice as many on each coarser one.
    numbers : int
        How many numbers it tells beside the origin.
    """

    def __init__(self, spacing: float, width: int, numbers: int):
        super().__init__()
        self.spacing = spacing
        widths = [width, 2 * width, 4 * width]
        self.stem = nn.Conv3d(CHANNELS, width, 2, 2)
        self.down = nn.ModuleList(nn.Conv3d(a, b, 2, 2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, 2) for a, b in pairwise(widths))
        self.inward = nn.ModuleList(nn.Sequential(*(_Block(w) for _ in range(1 + (w > width)))) for w in widths)
        self.outward = nn.ModuleList(_Block(w) for w in widths[:-1])
        self.vote = nn.Conv3d(width, 5 + numbers, 1)
        pooled = widths[0] + widths[-1] + SUMMARY
        layers = [nn.Linear(pooled, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()]
        last = nn.Linear(HIDDEN, 3 + numbers)
        self.summed = nn.Sequential(*layers, last)
        for values in (*self.vote.parameters(), *last.parameters()):  # it starts at the tumour's middle and at zero
            nn.init.zeros_(values)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload] # a quarter less time

    def forward(self, image: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """
        Origin [B, 3], mm from the window's centre, and other numbers [B, k]; images and maps as for `see`.
        """
        with torch.autocast(image.device.type, enabled=False):  # places in bfloat16 would be off by tenths of a voxel
            seen = see(image, maps, self.spacing)
        x = seen.channels.contiguous(memory_format=torch.channels_last_3d)
        levels, y = [], self.stem(x)
        for level, blocks in enumerate(self.inward):
            y = blocks(y if level == 0 else self.down[level - 1](y))
            levels.append(y)
        for level in (1, 0):
            y = self.outward[level](levels[level] + self.up[level](y))
        y = normalised(y)
        pooled = [normalised(levels[-1]).float().mean((2, 3, 4)), y.float().mean((2, 3, 4))]
        votes = self.vote(y).float().flatten(2)
        with torch.autocast(image.device.type, enabled=False):
            added = self.summed(torch.cat([*pooled, seen.summary], 1))
            share = (F.avg_pool3d(seen.channels[:, 1], 2).flatten(1) + EVERYWHERE).log()
            weights = [(share + votes[:, k]).softmax(-1) for k in range(2)]
            points = votes[:, 2:5] * OFFSET_MM + self._points(seen, image.shape[1:])
            origin = (points * weights[0][:, None]).sum(-1) + OFFSET_MM * added[:, :3]
            return origin, (votes[:, 5:] * weights[1][:, None]).sum(-1) + added[:, 3:]

    def _points(self, seen: Seen, window: Sequence[int]) -> Tensor:
        """Middles of the voxels that vote [B, 3, m], mm from the window's centre."""
        n, device = crop_edge(self.spacing) // 2, seen.corner.device
        axis = 2 * torch.arange(n, device=device) + 0.5
        grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).flatten(1)
        middle = (torch.tensor(window, device=device) - 1) / 2
        return (grid + (seen.corner - middle)[:, :, None]) * self.spacing
