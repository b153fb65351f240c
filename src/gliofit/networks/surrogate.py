"""What every forward surrogate is: θ and anatomy → tumour cell density."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.networks.inputs import maps_of


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
