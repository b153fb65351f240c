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
from gliofit.networks.lmi_votes import SEEN, Votes

CORE, WHOLE = 0.666, 0.333
"""What tumour core and whole tumour add to the network's input (the authors' code; a necrotic core is core)."""

BLOCKS = 4

REACH_MM = 40.0
"""`gliofit` measures errors of the origin by this instead of by the window, as the inverse network does."""

MIX = ((0.5, 0.5), (0.5, -0.5))
"""log μ_D and log μ_ρ from log μ_D·μ_ρ and log μ_D/μ_ρ."""

FRONTS = ((0.66, -0.16), (0.81, -0.34), (1.31, -1.0))
"""
What log μ_D·μ_ρ and log μ_D/μ_ρ do to the logarithm of the radius of c ≥ 0.01, 0.1 and 0.8.

Least squares over 2,000 tumours of `lmi_tumours` in SRI24, with radii of balls of the same volumes.
"""

LEAST = 0.01
"""Displacement of fronts below which an error hardly matters, relative to the radius."""


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


class Residual(nn.Sequential):
    """The paper's: a strided 7³ convolution, residual blocks, global average pooling and a Linear."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.stem = nn.Conv3d(1, width, 7, 2, padding=2)
        self.blocks = nn.Sequential(*(_Block(width, pool=index > 0) for index in range(BLOCKS)))
        self.head = nn.Linear(width, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv3d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                layer.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload] # a quarter less time

    def forward(self, image: Tensor) -> Tensor:
        pooled = self.blocks(F.relu(self.stem(image[:, None]))).mean((2, 3, 4)).float()
        with torch.autocast(image.device.type, enabled=False):
            return self.head(pooled)


class Lmi(nn.Module):
    """
    θ from outlines on a window around the brain.

    `ezhov` is the paper's network (`Residual`), with θ scaled to [−1, 1]; on 129³ voxels and with 64 channels it has
    its 1.79 million parameters. `gliofit` (`Votes`) is shown a crop about the tumour, with the atlas's tissue there and
    the ways that a front takes from outline to outline. It tells the logarithms of how far a front has come, μ_D·μ_ρ,
    and of its width, μ_D/μ_ρ: outlines tell the first well and the second hardly, so that the mean μ_D and the mean μ_ρ
    of all tumours that look alike belong to none of them, but to a larger one. What it learns to make small is not an
    error of θ, but how far fronts are displaced by it.

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
    tells = (True, 2)
    """Whether the origin, and how many numbers beside."""
    low: Tensor
    range: Tensor
    mix: Tensor
    fronts: Tensor

    def __init__(self, shape: Sequence[int], spacing: float, box: Box, width: int = 16, architecture: str = "gliofit"):
        super().__init__()
        if architecture not in LMIS:
            raise InputError(f"unknown LMI network '{architecture}'; there are: {', '.join(LMIS)}")
        if len(shape) != 3 or min(shape) < 16:
            raise InputError(f"the LMI network needs a window of at least 16 voxels a side, not {tuple(shape)}")
        self.shape, self.spacing, self.box, self.width = tuple(shape), float(spacing), box, int(width)
        self.faithful = architecture == "ezhov"
        place, numbers = self.tells
        lower, upper = box.lower.copy(), box.upper.copy()
        if self.faithful:
            self.body: nn.Module = Residual(self.width, 3 * place + numbers)
        else:
            self.body = Votes(self.spacing, self.width, numbers)
            (low_d, low_rho), (high_d, high_rho) = np.log(lower[GROWTH]), np.log(upper[GROWTH])
            lower = np.array([*[-REACH_MM] * 3, low_d + low_rho, low_d - high_rho])
            upper = np.array([*[REACH_MM] * 3, high_d + high_rho, high_d - low_rho])
        for name, values in (("low", lower), ("range", upper - lower), ("mix", MIX), ("fronts", FRONTS)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def unit(self, image: Tensor, maps: Tensor) -> Tensor:
        """
        θ̂ [B, 5], or a part of it, scaled as `to_unit` does (not clipped).

        Parameters
        ----------
        image : Tensor [B, x, y, z]
            `outlines_image`, on the window.
        maps : Tensor [B, 3, x, y, z]
            Fractions of WM, GM and CSF of the atlas there, which `ezhov` does not look at.
        """
        if self.faithful:
            return (self.body(image) + 1) / 2
        origin, numbers = self.body(image, maps)
        place = (origin - self.low[ORIGIN]) / self.range[ORIGIN]
        return torch.cat([place, numbers + 0.5], 1) if self.tells[0] else numbers + 0.5

    def loss(self, image: Tensor, maps: Tensor, theta: Tensor) -> Tensor:
        """
        What training makes small, the mean over a batch.

        `ezhov`: the squared error of the outputs. `gliofit`: how far the fronts of θ̂ (c = 0.01, 0.1 and 0.8) are from
        those of θ, root mean square, relative to the tumour's radius. That is the error of the origin, and what those
        of growth do to the radii on average over training tumours (`FRONTS`).
        """
        error = self.unit(image, maps) - self.to_unit(theta)
        if self.faithful:
            return error.square().mean()
        return self.displacement(error, image).mean()

    def displacement(self, error: Tensor, image: Tensor) -> Tensor:
        """Of the fronts [B], relative to the radius, by errors of the outputs [B, k]."""
        square, (place, numbers) = error.new_tensor(LEAST**2), self.tells
        if place:
            volume = (image > SEEN).sum((1, 2, 3)).clamp(min=1) * self.spacing**3  # of a tumour that nobody sees, too
            radius = (3 / (4 * torch.pi) * volume) ** (1 / 3)
            square = square + ((error[:, :3] * self.range[ORIGIN]).square().sum(1) / radius**2) / 3
        if numbers:
            grown = error[:, -numbers:]
            moved = (grown * self.range[GROWTH]) @ self.fronts.T if numbers == 2 else grown
            square = square + moved.square().mean(1)
        return square.sqrt()

    def to_unit(self, theta: Tensor) -> Tensor:
        """θ [B, 5] in the outputs' coordinates and units: 0 … 1 in `box` with `ezhov`."""
        theta = theta[:, : len(NAMES)]
        if not self.faithful:
            logs = theta[:, GROWTH].log()
            theta = torch.cat([theta[:, ORIGIN], logs.sum(1, keepdim=True), logs[:, :1] - logs[:, 1:]], 1)
        return (theta - self.low) / self.range

    def forward(self, image: Tensor, maps: Tensor) -> Tensor:
        """θ̂ [B, 5], the origin in mm relative to the window's centre."""
        found = self.low + self.unit(image, maps) * self.range
        if self.faithful:
            return found
        return torch.cat([found[:, ORIGIN], (found[:, GROWTH] @ self.mix.T).exp()], 1)

    @torch.no_grad()
    def predict(self, core: np.ndarray, whole: np.ndarray, maps: np.ndarray) -> np.ndarray:
        """
        θ̂ of one case.

        Parameters
        ----------
        core, whole : ndarray of bool [x, y, z]
            Outlines on the network's window.
        maps : ndarray [3, x, y, z]
            Fractions of WM, GM and CSF of the atlas there.

        Returns
        -------
        ndarray (5,), float64
            Origin (mm, relative to the window's centre point), μ_D, μ_ρ; within the network's box.

        Raises
        ------
        InputError
            On another shape, or outlines that are empty.
        """
        if not core.shape == whole.shape == maps.shape[1:] == self.shape:
            shapes = ", ".join(str(a.shape) for a in (core, whole, maps))
            raise InputError(f"the LMI network takes outlines and tissue on {self.shape} voxels, not {shapes}")
        if not whole.any():
            raise InputError("no tumour lies in the window that the LMI network sees")
        seen = (
            torch.as_tensor(np.ascontiguousarray(a, np.float32), device=self.low.device)[None]
            for a in (outlines_image(core, whole), maps)
        )
        return self.box.clip(self(*seen)[0].double().cpu().numpy())


LMIS = ("gliofit", "ezhov")
