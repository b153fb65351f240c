"""
What is known of a tumour before any network runs: the linearised solution, differentiable in θ.

Far ahead of the front, growth is exponential and the equation linear. From a Gaussian seed of variance 10 mm² per axis
in uniform tissue the linear solution at T = 1 is

    log c_lin(r) = log 0.502 + 3/2·log(10/(10 + 2D)) + ρ − r²/(2(10 + 2D)),   D = a·μ_D², ρ = μ_ρ²,

and the logistic saturation of it, c = c_lin/(1 + c_lin), has log c_lin as its logit: a front with the travelling wave's
slope μ_ρ/μ_D at the travelling wave's place 2·μ_D·μ_ρ, logarithmic delay included. A network only has to correct it.
In real tissue, distances are replaced by lengths of fastest paths in the medium's own metric, 1/√D_rel (Varadhan).

MSE over 64 SRI24 tumours at 4 mm: predicting zero 0.023; the travelling-wave coordinate (r − 0.8·2·μ_D·μ_ρ)/(μ_D/μ_ρ)
as the logit 0.098; linearised with distances (a = 0.3) 0.0063, with straight rays through the tissue (a = 0.45) 0.0061,
with fastest paths (a = 0.55) 0.0046.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

SEED_PEAK = 250 / (20 * math.pi) ** 1.5
SEED_VARIANCE = 10.0
"""Of the initial Gaussian, mm² per axis."""

SLOWEST = 0.1
"""Relative diffusivity below which rays do not slow down further: grey matter's. Rays go around what is slower."""

UNIFORM_SHARE, PATH_SHARE = 0.3, 0.55
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


def shortest_paths(length: Tensor, diffusivity: Tensor, spacing: float, sweeps: int = 8) -> Tensor:
    """
    Path lengths shortened by detours: sweeps of T(x) ← min over the 26 neighbours y of T(y) + |x − y|·(s(x) + s(y))/2.

    With s = 1/√D_rel and the lengths of straight lines to begin with, this goes around what rays must cross. Each sweep
    lets a detour grow by one voxel; gradients flow back along the paths to the origin.

    Parameters
    ----------
    length : Tensor [B, x, y, z]
        mm.
    diffusivity : Tensor [B, x, y, z]
        D/D_w.
    spacing : float
        mm.
    sweeps : int

    Returns
    -------
    Tensor [B, x, y, z], nowhere above `length`
    """
    slowness = diffusivity.clamp(min=SLOWEST).rsqrt()
    around = F.pad(slowness[:, None], (1,) * 6, mode="replicate")[:, 0]
    steps = [step for step in itertools.product((-1, 0, 1), repeat=3) if any(step)]
    windows = [
        (slice(None), *(slice(1 + k, 1 + k + n) for k, n in zip(step, length.shape[1:], strict=True))) for step in steps
    ]
    costs = [
        (slowness + around[window]) * (spacing * math.hypot(*step) / 2)
        for step, window in zip(steps, windows, strict=True)
    ]
    for _ in range(sweeps):
        known = F.pad(length[:, None], (1,) * 6, value=math.inf)[:, 0]
        for window, cost in zip(windows, costs, strict=True):
            length = torch.minimum(length, known[window] + cost)
    return length
