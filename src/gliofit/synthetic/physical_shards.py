"""Shards of tumours with D, ρ and T, in crops about their origins, for the geometry-aware surrogate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gliofit.anatomy.deformation import deformed
from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth.theta import Theta
from gliofit.synthetic.physical_prior import PhysicalPrior, physical_samples
from gliofit.synthetic.prior import SPLITS
from gliofit.synthetic.shards import Case, ShardDataset, write_shard

ROOM_MM = 16.0
"""About the brain, for what a deformation moves outwards."""


def head(tissue: Tissue, amount: float, seed: int, split: str, index: int) -> Tissue:
    """A deformation of an anatomy, another for each split and index; see `deformed`."""
    entropy = np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index))
    return deformed(tissue, amount, np.random.default_rng(entropy))


def physical_shard(
    tissue: Tissue,
    path: str | Path,
    count: int,
    shape: Sequence[int],
    prior: PhysicalPrior,
    *,
    seed: int,
    split: str = "test",
    shard: int = 0,
    threads: int = 1,
    progress: bool = True,
) -> None:
    """
    Grow `count` tumours in one head and write them as a shard (docs/data_format.md).

    Its crops are centred on origins. It has the dataset `days` (T) and the attribute `physical_prior` beside.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid (isotropic, RAS).
    path : path
    count : int
    shape : sequence of 3 int
    prior : PhysicalPrior
    seed, split, shard
        Together the seed of all samples.
    threads : int
        For the solver.
    progress : bool
        Show a bar on standard error.
    """
    drawn = physical_samples(tissue, prior, count, (seed, SPLITS.index(split), shard), threads)
    bar = tqdm(drawn, f"{split} {shard}", count, unit="tumour", disable=not progress)
    about = {"physical_prior": json.dumps(asdict(prior))}
    write_shard(path, tissue, bar, count, shape, split=split, shard=shard, prior=prior.theta_prior, about=about)


def physical_split(
    atlas: Tissue,
    paths: Sequence[str | Path],
    count: int,
    shape: Sequence[int],
    spacing: float,
    prior: PhysicalPrior,
    *,
    deformation: float,
    seed: int,
    split: str,
    threads: int = 1,
) -> None:
    """
    `count` tumours, shared out evenly among as many deformed heads as there are paths; each head's are a shard.

    Parameters
    ----------
    atlas : Tissue
    paths : sequence of path
    count : int
        At least one for each head.
    shape, spacing
        Of the crops, voxels and mm.
    prior : PhysicalPrior
    deformation : float
        See `deformed`, mm.
    seed, split, threads
        As for `physical_shard`.
    """
    if count < len(paths):
        raise InputError(f"{count} tumours cannot be shared out among {len(paths)} heads")
    room = atlas.working_grid(spacing, ROOM_MM)
    for index, path in enumerate(paths):
        own = count // len(paths) + (index < count % len(paths))
        tissue = head(room, deformation, seed, split, index)
        physical_shard(tissue, path, own, shape, prior, seed=seed, split=split, shard=index, threads=threads)


class PhysicalDataset(ShardDataset):
    """
    The samples of shards by `physical_shard`: a `Case` has D_w (mm²/day), ρ (1/day), T (days) as its θ.

    Parameters
    ----------
    paths, flip
        As in `ShardDataset`.

    Raises
    ------
    InputError
        If a shard is not of such tumours, or they are of another prior than the first's.
    """

    def __init__(self, paths: Sequence[str | Path], *, flip: bool = False):
        super().__init__(paths, flip=flip)
        priors = []
        for path in self.paths:
            file = self._open(path)
            if "days" not in file or "physical_prior" not in file.attrs:
                raise InputError(f"{path}: has no ages of its tumours; it is not a shard for geometry_aware")
            priors.append(PhysicalPrior(**json.loads(file.attrs["physical_prior"])))
        if len(set(priors)) > 1:
            raise InputError(f"{self.paths[0]}: its tumours and those of the other shards are of different priors")
        self.physical_prior = priors[0]

    @property
    def box(self) -> Box:
        """Ranges of D, ρ, T."""
        return self.physical_prior.box

    def __getitem__(self, index: int) -> Case:
        if not 0 <= index < len(self):
            raise IndexError(index)
        mirrored, index = divmod(index, len(self._where))
        case = super().__getitem__(index)
        path, row = self._where[index]
        file = self._open(path)
        days = float(file["days"][row])
        diffusivity, growth_rate = Theta.from_array(file["theta"][row]).to_physical(days)
        physical = np.array([diffusivity, growth_rate, days], np.float32)
        density, maps = case.density, case.tissue
        if mirrored:
            # voxel n/2, which has the origin, is its own mirror image; the last plane stands for what lies beyond
            density, maps = (_mirror(field) for field in (density, maps))
        return Case(density, maps, physical)

    def theta(self, index: int) -> Theta:
        """θ of a sample, its origin relative to the crop's centre point, mm."""
        path, row = self._where[index]
        file = self._open(path)
        return Theta.from_array(file["theta"][row] - np.array([*file["centre"][row], 0, 0]))


def _mirror(field: Array) -> Array:
    """A field [..., x, y, z] (n voxels along x, n even) with voxel n/2 + i at n/2 − i; voxel 0 stays."""
    turned = field.copy()
    turned[..., 1:, :, :] = field[..., :0:-1, :, :]
    return turned
