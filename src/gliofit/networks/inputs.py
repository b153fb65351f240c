"""Tissue as networks take it: channels of a crop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gliofit.anatomy.tissue import TISSUE_THRESHOLD, Tissue
from gliofit.base.errors import InputError
from gliofit.growth.ranges import GREY_MATTER_RATIO


def maps_of(crop: Tissue, network: Any) -> np.ndarray:
    """
    Tissue maps [3, x, y, z] (wm, gm, csf) of a crop.

    Raises
    ------
    InputError
        If the crop is not of the network's shape and spacing, or its axes are not the world's.
    """
    if crop.shape != tuple(network.shape):
        raise InputError(f"the network takes crops of {tuple(network.shape)} voxels, not {crop.shape}")
    if not np.allclose(crop.affine[:3, :3], network.spacing * np.eye(3), atol=1e-3):
        raise InputError(f"the network takes crops at {network.spacing:g} mm with axes along the world's (RAS)")
    return np.stack([crop.wm, crop.gm, crop.csf])


def mask_of(maps: Tensor) -> Tensor:
    """Where tumour can be (`Tissue.mask`) [..., x, y, z], 0 or 1."""
    return (maps[..., 0, :, :, :] + maps[..., 1, :, :, :] >= TISSUE_THRESHOLD).to(maps.dtype)


def diffusivity_of(maps: Tensor) -> Tensor:
    """D / D_w (`gliofit.growth.ranges.relative_diffusivity`) [..., x, y, z]."""
    return mask_of(maps) * (maps[..., 0, :, :, :] + maps[..., 1, :, :, :] / GREY_MATTER_RATIO)


def labels_of(maps: Tensor) -> Tensor:
    """Hard labels (`Tissue.labels`: 0 background, 1 CSF, 2 GM, 3 WM) [..., x, y, z]."""
    # not argmax, which takes ten times as long along this axis
    most, labels = torch.full_like(maps[..., 0, :, :, :], TISSUE_THRESHOLD), torch.zeros_like(maps[..., 0, :, :, :])
    for label, share in enumerate(maps.flip(-4).unbind(-4), 1):
        labels = torch.where(share > most, float(label), labels)
        most = torch.maximum(most, share)
    return labels
