"""
What is known of a tumour before any network runs: the linearised solution, differentiable in θ.

Far ahead of the front, growth is exponential and the equation linear. From a Gaussian seed of variance 10 mm² per axis
in uniform tissue the linear solution at T = 1 is

    log c_lin(r) = log 0.502 + 3/2·log(10/(10 + 2D)) + ρ − r²/(2(10 + 2D)),   D = a·μ_D², ρ = μ_ρ²,

and the logistic saturation of it, c = c_lin/(1 + c_lin), has log c_lin as its logit: a front with the travelling wave's
slope μ_ρ/μ_D at the travelling wave's place 2·μ_D·μ_ρ, logarithmic delay included. A network only has to correct it.
With a = 0.3 its MSE on SRI24 tumours is a quarter of predicting zero's; the travelling-wave coordinate
(r − 0.8·2·μ_D·μ_ρ)/(μ_D/μ_ρ) as the logit is worse than zero.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SEED_PEAK = 250 / (20 * math.pi) ** 1.5
SEED_VARIANCE = 10.0
"""Of the initial Gaussian, mm² per axis."""

SLOWEST = 0.1
"""Relative diffusivity below which rays do not slow down further: grey matter's. Rays go around what is slower."""

UNIFORM_SHARE, RAY_SHARE = 0.3, 0.45
"""Effective diffusivity over white matter's that fits SRI24 tumours best, for either logit."""

LOGIT_LIMIT = 12.0
"""Logits are bent into ±12, where the density (6e-6) is zero for all purposes."""


def voxel_positions(shape: tuple[int, int, int], spacing: float, like: Tensor) -> Tensor:
    """Voxel centres [3, x, y, z] in mm relative to the centre point of a grid (voxel (n − 1)/2)."""
    axes = [(torch.arange(n, device=like.device, dtype=like.dtype) - (n - 1) / 2) * spacing for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def squared_distance(positions: Tensor, origin: Tensor) -> Tensor:
    """Squared distance [B, x, y, z] in mm² from origins [B, 3] to positions [3, x, y, z]."""
    return ((positions[None] - origin[:, :, None, None, None]) ** 2).sum(1)


def linear_logit(squared: Tensor, mu_D: Tensor, mu_rho: Tensor, share: float) -> Tensor:
    """
    log c_lin at squared distances.

    Parameters
    ----------
    squared : Tensor [B, x, y, z]
        mm².
    mu_D, mu_rho : Tensor [B]
    share : float
        a: effective diffusivity over that of white matter.

    Returns
    -------
    Tensor [B, x, y, z]
    """
    variance = SEED_VARIANCE + 2 * share * mu_D**2
    height = math.log(SEED_PEAK) + 1.5 * torch.log(SEED_VARIANCE / variance) + mu_rho**2
    return height[:, None, None, None] - squared / (2 * variance[:, None, None, None])


def bend(logit: Tensor) -> Tensor:
    """A logit confined to ±12, smoothly."""
    return LOGIT_LIMIT * torch.tanh(logit / LOGIT_LIMIT)


def ray_slowness(diffusivity: Tensor, spacing: float, positions: Tensor, origin: Tensor, points: int = 12) -> Tensor:
    """
    Mean of 1/√D_rel on the straight line from each origin to each position.

    Its product with the distance is the distance in the medium's own metric, which governs the heat kernel at short
    times (Varadhan), along the straight line instead of the fastest path.

    Parameters
    ----------
    diffusivity : Tensor [B, x, y, z]
        D/D_w on the crop's grid; bounded from below by grey matter's 0.1.
    spacing : float
        Of that grid, mm.
    positions : Tensor [3, X, Y, Z]
        mm relative to the crop's centre; may be of a coarser grid.
    origin : Tensor [B, 3]
        mm relative to the crop's centre.
    points : int
        Samples on each line.

    Returns
    -------
    Tensor [B, X, Y, Z], at least 1
    """
    slowness = diffusivity.clamp(min=SLOWEST).rsqrt()[:, None]
    half = torch.tensor(
        [n * spacing / 2 for n in diffusivity.shape[1:]], dtype=positions.dtype, device=positions.device
    )
    end = (positions / half[:, None, None, None]).movedim(0, -1)[None]
    start = (origin / half)[:, None, None, None]
    total = 0.0
    for step in range(points):
        share = (step + 0.5) / points
        # grid_sample wants (z, y, x) and −1 … 1 at the outer faces
        where = (start + (end - start) * share).flip(-1)
        total = total + F.grid_sample(slowness, where, padding_mode="border", align_corners=False)[:, 0]
    return total / points
