"""What training makes small, and what validation measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gliofit.growth.theta import GROWTH, NAMES, ORIGIN
from gliofit.networks.corrected_run import GlioFit, cut
from gliofit.networks.inputs import mask_of
from gliofit.synthetic.rough_views import RoughViews
from gliofit.synthetic.shards import ShardDataset
from gliofit.training.batches import collate

THERE = 1e-3
"""Of density, where a tumour is, and of a fraction, where CSF is (Ezhov's code)."""

DICES = {"dice_2": 0.2, "dice_4": 0.4, "dice_8": 0.8}
"""Densities that Ezhov 2021 takes Dice at."""

WHOLE_BRAIN = ("lmi", "lmi_part")
"""Roles of networks that see the whole brain."""

TERMS: dict[str, tuple[str, ...]] = {
    "tumour+csf": ("tumour", "csf"),
    "tumour+csf+brain": ("tumour", "csf", "brain"),
    "tumour+rest": ("tumour", "rest"),
    "whole": ("whole",),
}
"""Parts of the crop that the geometry-aware surrogate's loss is a sum over (Ezhov 2021, Table I f, e, d, c)."""


def regional_loss(predicted: Tensor, density: Tensor, maps: Tensor, terms: str = "tumour+csf") -> Tensor:
    """
    The sum of mean absolute errors over some parts of a batch's crops (Ezhov 2021, Eq. 3).

    Parameters
    ----------
    predicted, density : Tensor [B, x, y, z]
    maps : Tensor [B, 3, x, y, z]
        Fractions of WM, GM and CSF.
    terms : str
        A key of `TERMS`. The tumour is where `density` is at least 0.001. CSF is where there is some and no tumour can
        be: in probability maps, unlike the paper's, most of the brain has a little. The brain is where tumour could be
        and is not; the rest is all but the tumour.
    """
    error, tumour, tissue = (predicted.float() - density).abs(), density >= THERE, mask_of(maps) > 0
    parts = {
        "tumour": lambda: tumour,
        "csf": lambda: (maps[:, 2] >= THERE) & ~tissue,
        "brain": lambda: tissue & ~tumour,
        "rest": lambda: ~tumour,
        "whole": lambda: torch.ones_like(tumour),
    }
    means = []
    for name in TERMS[terms]:
        inside = parts[name]()
        # a crop deep in white matter has no CSF
        means.append((error * inside).sum() / inside.sum().clamp(min=1))
    return torch.stack(means).sum()


def loss_of(
    network: Any, density: Tensor, maps: Tensor, theta: Tensor, factor: int = 1, terms: str = "tumour+csf"
) -> Tensor:
    """
    Surrogate: MSE over tissue voxels, on a grid `factor` times as coarse. Geometry-aware surrogate: `regional_loss`.

    Learn-Morph-Infer's has a loss of its own. Others: MSE of θ as the network's `to_unit` scales it (so that μ_D does
    not dominate).
    """
    if network.role == "geometry_aware":
        return regional_loss(network(maps, theta), density, maps, terms)
    if network.role in WHOLE_BRAIN:
        return network.loss(density, maps, theta)
    if network.role != "surrogate":
        return ((network.unit(density, maps) - network.to_unit(theta)) ** 2).mean()
    static = network.channels(maps)
    if factor == 1:
        return ((network(static, theta) - density) ** 2).sum() / static[:, -1].sum()
    density = F.avg_pool3d(density[:, None], factor)[:, 0]
    return ((network.coarser(static, theta, factor) - density) ** 2).sum() * factor**3 / static[:, -1].sum()


def window_loss(
    network: GlioFit, density: Tensor, maps: Tensor, theta: Tensor, edge: int, rng: np.random.Generator
) -> Tensor:
    """`loss_of` of a surrogate in windows of `edge` voxels, each about a random voxel of its tumour (c > 0.01)."""
    places_of: list[Tensor] = []
    for field in density:
        places = (field > 0.01).nonzero()
        centre = places[rng.integers(len(places))]
        room = torch.tensor(field.shape, device=field.device) - edge
        places_of.append((centre - edge // 2).clamp(min=0).minimum(room) // 2 * 2)
    corners = torch.stack(places_of)
    static = network.channels(maps)
    inside, truth = cut(static[:, -1], corners, edge), cut(density, corners, edge)
    return ((network.window(static, theta, corners, edge) - truth) ** 2).sum() / inside.sum()


@torch.no_grad()
def validate(
    network: Any, dataset: ShardDataset, device: torch.device, factor: int = 1, views: RoughViews | None = None
) -> dict[str, float]:
    """
    Means over a data set (for a surrogate, on a grid `factor` times as coarse; of outlines, as `views` shows them).

    Returns
    -------
    dict
        Surrogate: `mse` over the crop (the paper's figure), `mse_tissue` over tissue voxels, `mse_relative` = `mse`
        over that of predicting zero (a ratio of means, where the tables have the mean of the cases' ratios).
        Geometry-aware surrogate: `mse` over the crop, `loss` (`regional_loss` of the paper), `dice_2`, `dice_4`,
        `dice_8` of tumours above 0.2, 0.4, 0.8 (of those that have any such voxel). Others: `mse` of θ as `to_unit`
        scales it, `origin_mm` (mean distance), `mu_D` and `mu_rho` (mean relative error); of the network's plain
        answer, neither averaged with the mirror image's nor clipped; for a part of θ, `mse` alone. `mse` chooses
        the best checkpoint.
    """
    network.eval()
    rows = []
    for first in range(0, len(dataset), 4):
        outlines = np.random.default_rng(first) if network.role == "inverse_segmentation" else None
        indices = range(first, min(first + 4, len(dataset)))
        density, maps, theta = collate(dataset, indices, device, outlines, views)
        if network.role == "geometry_aware":
            rows.append(_regional_rows(network(maps, theta).clamp(0, 1), density, maps))
        elif network.role != "surrogate":
            unit = (network.unit(density, maps) - network.to_unit(theta)).square().mean(1, keepdim=True)
            if network.role == "lmi_part":
                rows.append(unit)
                continue
            theta = theta[:, : len(NAMES)]
            error = network(density, maps) - theta
            relative = (error / theta)[:, GROWTH].abs()
            rows.append(torch.cat([unit, error[:, ORIGIN].norm(dim=1, keepdim=True), relative], 1))
        else:
            static = network.channels(maps)
            inside = static[:, -1].flatten(1).sum(1) / factor**3
            if factor > 1:
                density = F.avg_pool3d(density[:, None], factor)[:, 0]
            predicted = network.coarser(static, theta, factor) if factor > 1 else network(static, theta)
            square = (predicted - density).square().flatten(1)
            rows.append(torch.stack([square.mean(1), square.sum(1) / inside, density.square().flatten(1).mean(1)], 1))
    network.train()
    means = torch.cat(rows).double().nanmean(0).tolist()
    if network.role == "geometry_aware":
        return dict(zip(("mse", "loss", *DICES), means, strict=True))
    if network.role != "surrogate":
        return dict(zip(("mse", "origin_mm", "mu_D", "mu_rho"), means, strict=False))
    return {"mse": means[0], "mse_tissue": means[1], "mse_relative": means[0] / means[2]}


def _regional_rows(predicted: Tensor, density: Tensor, maps: Tensor) -> Tensor:
    """Metrics of each sample of a batch [B, 5], as `validate` names them; NaN for the Dice of two empty tumours."""
    rows = []
    for own, true, tissue in zip(predicted, density, maps, strict=True):
        values = [(own - true).square().mean(), regional_loss(own[None], true[None], tissue[None])]
        for level in DICES.values():
            a, b = own > level, true > level
            values.append(2 * (a & b).sum() / (a.sum() + b.sum()))  # 0/0 is NaN
        rows.append(torch.stack(values))
    return torch.stack(rows)
