"""What networks are shown in training: which samples, in which order, and as what observation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.observation.thresholds import FITTED
from gliofit.synthetic.rough_views import RoughViews
from gliofit.synthetic.shards import Case, ShardDataset


def batch_indices(step: int, batch: int, size: int, seed: int) -> Array:
    """Samples of a step: each epoch is a permutation of its own; batches run on from one epoch into the next."""
    positions = np.arange(step * batch, (step + 1) * batch)
    picked = np.empty(batch, int)
    for epoch in np.unique(positions // size):
        order = np.random.default_rng(np.random.SeedSequence((seed, int(epoch)))).permutation(size)
        here = positions // size == epoch
        picked[here] = order[positions[here] % size]
    return picked


def collate(
    dataset: ShardDataset,
    indices: Sequence[int],
    device: torch.device,
    outlines: np.random.Generator | None = None,
    views: RoughViews | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """
    Observation [B, x, y, z], tissue [B, 3, x, y, z] and θ [B, 5] of some samples.

    The observation is the density or, given the generator `outlines`, what of it scans show (`outlined`).
    """
    cases = [dataset[int(i)] for i in indices]
    if outlines is not None:
        cases = [outlined(case, dataset.spacing, outlines, views) for case in cases]
    stacks = (np.stack([getattr(c, name) for c in cases]) for name in ("density", "tissue", "theta"))
    density, tissue, theta = (torch.from_numpy(s).to(device) for s in stacks)
    return density, tissue, theta


def outlined(case: Case, spacing: float, rng: np.random.Generator, views: RoughViews | None = None) -> Case:
    """
    A sample as scans show it: tumour core and whole tumour, in a crop about their centre of mass.

    Parameters
    ----------
    case : Case
    spacing : float
        mm.
    rng : numpy.random.Generator
    views : RoughViews, optional
        Makes rough outlines, and tissue as preparation leaves it. If not given, outlines are where the density crosses
        two thresholds, uniform in `FITTED`, that of the whole tumour below nine tenths of the density's maximum, so
        that something is seen.

    Returns
    -------
    Case
        Its `density` is ½·core + ½·whole; crop and origin are shifted as `Crop` would lay them.
    """
    if views is None:
        top, foot = rng.uniform(*FITTED.core), rng.uniform(*FITTED.whole)
        core = case.density > top
        whole, maps = case.density > min(foot, 0.9 * float(case.density.max())), case.tissue
    else:
        core, whole, maps = views(case, rng)
    seen = (core.astype(np.float32) + whole) / 2
    shape = np.array(seen.shape)
    places = np.argwhere(seen)
    centre = (places * seen[tuple(places.T)][:, None]).sum(0) / seen.sum(dtype=np.float64)
    offset = np.round(centre).astype(int) - shape // 2
    tissue = np.stack([grids.take(m, offset, seen.shape) for m in maps])
    theta = case.theta - np.array([*offset * spacing, 0, 0], np.float32)
    return Case(grids.take(seen, offset, seen.shape), tissue, theta)
