"""Learn-Morph-Infer's network: outlines in the atlas's space → θ (Ezhov 2023, Sec. 2 and Appendix)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth.theta import GROWTH, NAMES, ORIGIN

CORE, WHOLE = 0.666, 0.333
"""What tumour core and whole tumour add to the network's input (the authors' code; a necrotic core is core)."""

BLOCKS = 4

REACH_MM = 40.0
"""`gliofit` measures errors of the origin by this instead of by the window, as the inverse network does."""

MIX = ((0.5, 0.5), (0.5, -0.5))
"""log μ_D and log μ_ρ from log μ_D·μ_ρ and log μ_D/μ_ρ."""


def outlines_image(core: Any, whole: Any) -> Any:
    """
    The network's input, 0.666·core + 0.333·whole: 0 outside, 0.333 in edema, 0.999 in the core.

    Parameters
    ----------
    core, whole : ndarray or Tensor of bool
        c ≥ τ_T1 and c ≥ τ_FLAIR for simulations, T1c's and FLAIR's outlines for patients.
    """
    return CORE * core + WHOLE * whole


class _Block(nn.Module):
    """Four convolutions with ReLU, plus their input; all blocks but the first begin by halving the grid."""

    def __init__(self, width: int, pool: bool):
        super().__init__()
        # grids need not be 2ᵏ here: the last voxel of an odd row is pooled with nothing rather than dropped
        self.pool = nn.MaxPool3d(2, ceil_mode=True) if pool else nn.Identity()
        layers = [layer for _ in range(4) for layer in (nn.Conv3d(width, width, 3, padding=1), nn.ReLU())]
        self.convolutions = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        return x + self.convolutions(x)


class Lmi(nn.Module):
    """
    Residual convolutions, global average pooling and a Linear to θ, scaled to [−1, 1].

    `ezhov` is the paper's: on 129³ voxels and with 64 channels it has its 1.79 million parameters. It finds a place
    only by what convolutions see of the grid's edge; `gliofit` is told where each voxel is, and it answers where the
    origin lies from the image's centre of mass. Its other outputs are the logarithms of how far a front has come,
    μ_D·μ_ρ, and of its width, μ_D/μ_ρ: outlines tell the first well and the second hardly, so that the mean μ_D and the
    mean μ_ρ of all tumours that look alike belong to none of them, but to a larger one.

    Parameters
    ----------
    shape : sequence of 3 int
        Voxels of the window that holds the brain, which the window's centre is the centre of mass of.
    spacing : float
        mm.
    box : Box
        Range of each output; the origin in mm relative to the window's centre.
    width : int
        Channels.
    architecture : {"gliofit", "ezhov"}
    """

    role = "lmi"
    low: Tensor
    range: Tensor
    extent: Tensor
    position: Tensor
    coarse: Tensor
    mix: Tensor

    def __init__(self, shape: Sequence[int], spacing: float, box: Box, width: int = 16, architecture: str = "gliofit"):
        super().__init__()
        if architecture not in LMIS:
            raise InputError(f"unknown LMI network '{architecture}'; there are: {', '.join(LMIS)}")
        if len(shape) != 3 or min(shape) < 16:
            raise InputError(f"the LMI network needs a window of at least 16 voxels a side, not {tuple(shape)}")
        self.shape, self.spacing, self.box, self.width = tuple(shape), float(spacing), box, int(width)
        self.faithful = architecture == "ezhov"
        self.stem = nn.Conv3d(1, self.width, 7, 2, padding=2)
        self.place = None if self.faithful else nn.Conv3d(3, self.width, 1, bias=False)
        self.blocks = nn.Sequential(*(_Block(self.width, pool=index > 0) for index in range(BLOCKS)))
        self.head = nn.Linear(self.width, len(NAMES))
        for layer in self.modules():
            if isinstance(layer, nn.Conv3d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                layer.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload] # a quarter less time
        if not self.faithful:  # it starts at the centre of mass and the middle of the ranges
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)
        lower, upper = box.lower.copy(), box.upper.copy()
        if not self.faithful:
            (low_d, low_rho), (high_d, high_rho) = np.log(lower[GROWTH]), np.log(upper[GROWTH])
            lower = np.array([*[-REACH_MM] * 3, low_d + low_rho, low_d - high_rho])
            upper = np.array([*[REACH_MM] * 3, high_d + high_rho, high_d - low_rho])
        self.register_buffer("low", torch.tensor(lower, dtype=torch.float32), persistent=False)
        self.register_buffer("range", torch.tensor(upper - lower, dtype=torch.float32), persistent=False)
        for name, shape in (("position", self.shape), ("coarse", [(n - 3) // 2 + 1 for n in self.shape])):
            axes = [torch.linspace(-1, 1, n) for n in shape]
            self.register_buffer(name, torch.stack(torch.meshgrid(*axes, indexing="ij")), persistent=False)
        self.register_buffer("mix", torch.tensor(MIX), persistent=False)
        extent = torch.tensor([(n - 1) / 2 * self.spacing for n in self.shape])
        self.register_buffer("extent", extent, persistent=False)

    def unit(self, image: Tensor, maps: Tensor | None = None) -> Tensor:
        """
        θ̂ [B, 5] from images [B, x, y, z], scaled as `to_unit` does (not clipped).

        `maps` are taken for the sake of the training loop and not looked at: the network knows one brain, the atlas.
        """
        x = self.features(image)
        with torch.autocast(image.device.type, enabled=False):
            signed = self.head(x)
            if not self.faithful:
                signed = signed + F.pad(self.centre(image), (0, 2))
        return (signed + 1) / 2

    def features(self, image: Tensor) -> Tensor:
        """What the head sees, [B, width] in float32."""
        x = self.stem(image[:, None])
        if self.place is not None:
            x = x + self.place(self.coarse[None])
        return self.blocks(F.relu(x)).mean((2, 3, 4)).float()

    def centre(self, image: Tensor) -> Tensor:
        """The centre of mass [B, 3] in the outputs' units, −1 … 1; the window's centre for an empty image."""
        weight = image.flatten(1)
        mean = weight @ self.position.flatten(1).T / weight.sum(1, keepdim=True).clamp(min=1e-6)
        return 2 * (mean * self.extent - self.low[ORIGIN]) / self.range[ORIGIN] - 1

    def to_unit(self, theta: Tensor) -> Tensor:
        """θ [B, 5] in the outputs' coordinates and units: 0 … 1 in `box` with `ezhov`."""
        theta = theta[:, : len(NAMES)]
        if not self.faithful:
            logs = theta[:, GROWTH].log()
            theta = torch.cat([theta[:, ORIGIN], logs.sum(1, keepdim=True), logs[:, :1] - logs[:, 1:]], 1)
        return (theta - self.low) / self.range

    def forward(self, image: Tensor, maps: Tensor | None = None) -> Tensor:
        """θ̂ [B, 5], the origin in mm relative to the window's centre."""
        found = self.low + self.unit(image) * self.range
        if self.faithful:
            return found
        return torch.cat([found[:, ORIGIN], (found[:, GROWTH] @ self.mix.T).exp()], 1)

    @torch.no_grad()
    def predict(self, core: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """
        θ̂ of one case.

        Parameters
        ----------
        core, whole : ndarray of bool [x, y, z]
            Outlines on the network's window.

        Returns
        -------
        ndarray (5,), float64
            Origin (mm, relative to the window's centre point), μ_D, μ_ρ; within the network's box.

        Raises
        ------
        InputError
            On another shape, or outlines that are empty.
        """
        if core.shape != self.shape or whole.shape != self.shape:
            raise InputError(f"the LMI network takes outlines on {self.shape} voxels, not {core.shape}, {whole.shape}")
        if not whole.any():
            raise InputError("no tumour lies in the window that the LMI network sees")
        image = torch.as_tensor(outlines_image(core, whole), dtype=torch.float32, device=self.low.device)
        return self.box.clip(self(image[None])[0].double().cpu().numpy())


LMIS = ("gliofit", "ezhov")
