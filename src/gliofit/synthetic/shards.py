"""
HDF5 shards of simulated tumours: writing, reading, and `python -m gliofit.synthetic FILE…` to check them.

docs/data_format.md is the specification; `gliofit.synthetic.check_shards` follows it point by point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tqdm import tqdm

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, whole_file
from gliofit.base.versions import versions
from gliofit.growth.theta import MIRROR
from gliofit.synthetic.check_shards import layout_faults
from gliofit.synthetic.prior import SPLITS, Prior, Sample, samples
from gliofit.synthetic.shard_format import FORMAT, FORMAT_VERSION, LEVELS, MAPS, tissue_hash


def check_grid(tissue: Tissue, shape: Sequence[int]) -> float:
    """
    The spacing (mm) of a grid that networks can be trained on: isotropic, its axes the world's.

    Raises
    ------
    InputError
        If it is not, or `shape` is not three positive numbers.
    """
    spacing = float(tissue.spacing[0])
    if not np.allclose(tissue.affine[:3, :3], spacing * np.eye(3), atol=1e-6):
        raise InputError("a shard's working grid must have one spacing and axes along the world's (RAS)")
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(f"the crop shape {tuple(shape)} is not three positive numbers")
    return spacing


def simulate_shard(
    tissue: Tissue,
    path: str | Path,
    count: int,
    shape: Sequence[int],
    *,
    seed: int,
    split: str = "train",
    shard: int = 0,
    prior: Prior | None = None,
    threads: int = 1,
    progress: bool = True,
) -> None:
    """
    Grow `count` tumours of the prior and write one shard.

    Sample i is seeded with (seed, split, shard, i), so that shards may be made in any order on any number of cores.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid (isotropic, RAS).
    path : path
        Written under a temporary name, then renamed: a shard under its own name is complete.
    count : int
    shape : sequence of 3 int
        Crop shape, voxels.
    seed : int
    split : {"train", "validation", "test"}
    shard : int
        Number of the shard within its split.
    prior : Prior, optional
    threads : int
        For the solver.
    progress : bool
        Show a bar on standard error.
    """
    if split not in SPLITS:
        raise InputError(f"unknown split '{split}'; there are: {', '.join(SPLITS)}")
    if count < 1:
        raise InputError(f"a shard of {count} samples cannot be written")
    prior = prior or Prior()
    drawn = samples(tissue, prior, count, (seed, SPLITS.index(split), shard), threads=threads)
    bar = tqdm(drawn, f"{split} {shard}", count, unit="tumour", disable=not progress)
    write_shard(path, tissue, bar, count, shape, split=split, shard=shard, prior=prior)


def write_shard(
    path: str | Path,
    tissue: Tissue,
    drawn: Iterable[Sample],
    count: int,
    shape: Sequence[int],
    *,
    split: str,
    shard: int,
    prior: Prior,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write `count` samples of one anatomy as a shard (see docs/data_format.md), with further attributes `about`."""
    path, shape = Path(path), tuple(int(n) for n in shape)
    spacing = check_grid(tissue, shape)
    with whole_file(path) as part, h5py.File(part, "w") as file:
        file.attrs.update(
            format=FORMAT,
            format_version=FORMAT_VERSION,
            split=split,
            shard=shard,
            spacing=spacing,
            prior=json.dumps(prior.to_dict()),
            versions=json.dumps(versions("gliofit", "numpy", "numba", "h5py")),
            tissue_sha256=tissue_hash(tissue),
            **(about or {}),
        )
        for name in MAPS:
            file.create_dataset(f"tissue/{name}", data=getattr(tissue, name), compression="gzip", shuffle=True)
        file["affine"] = tissue.affine
        density = file.create_dataset(
            "density",
            (count, *shape),
            "u2",
            chunks=(1, *shape),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        density.attrs["scale"] = 1 / LEVELS
        offsets, rows = [], []
        for index, sample in enumerate(drawn):
            offset = tissue.crop_offset(sample.centre, shape)
            density[index] = np.round(grids.take(sample.density, offset, shape) * LEVELS).astype(np.uint16)
            offsets.append(offset)
            # no density is kept
            rows.append((sample.theta.to_array(), sample.volume, sample.attempts, sample.seed, sample.days))
        if len(rows) != count:
            raise ValueError(f"{len(rows)} samples were drawn for a shard of {count}")
        theta, volume, attempts, seed, days = zip(*rows, strict=True)
        file["theta"] = np.stack(theta)
        file["offset"] = np.stack(offsets).astype(np.int32)
        file["centre"] = tissue.to_world(np.stack(offsets) + (np.array(shape) - 1) / 2)
        file["volume"] = np.array(volume)
        file["attempts"] = np.array(attempts, np.int32)
        file["seed"] = np.array(seed, np.int64)
        if None not in days:
            file["days"] = np.array(days, np.float64)


@dataclass(frozen=True, eq=False)
class Case:
    """
    One sample of a shard.

    Parameters
    ----------
    density : ndarray [x, y, z]
        float32 in [0, 1].
    tissue : ndarray [3, x, y, z]
        p_WM, p_GM, p_CSF, float32.
    theta : ndarray (5,)
        float32; the origin in mm relative to the crop's centre point (voxel (n − 1)/2), then μ_D (mm), μ_ρ.
    """

    density: Array
    tissue: Array
    theta: Array

    def flipped(self) -> Case:
        """Its mirror image: left and right swapped (the x axis runs along the world's)."""
        theta = self.theta.copy()
        theta[: len(MIRROR)] *= np.array(MIRROR, np.float32)
        return Case(np.ascontiguousarray(self.density[::-1]), np.ascontiguousarray(self.tissue[:, ::-1]), theta)


class ShardDataset:
    """
    The samples of several shards, in the order of the paths; a map-style dataset for torch.

    Parameters
    ----------
    paths : sequence of path
    flip : bool
        Also serve the left–right mirror image of every sample: the dataset is twice as long, samples n … 2n − 1 being
        the images of 0 … n − 1.

    Raises
    ------
    InputError
        If a file cannot be read, or the shards differ in crop shape or spacing.
    """

    def __init__(self, paths: Sequence[str | Path], *, flip: bool = False):
        if not paths:
            raise InputError("no shards were given")
        self.paths, self.flip = [Path(p) for p in paths], flip
        self._files: dict[Path, h5py.File] = {}
        self._tissue: dict[str, Array] = {}
        self._where: list[tuple[Path, int]] = []
        self.shape: tuple[int, ...] = ()
        for path in self.paths:
            file = self._open(path)
            grid = tuple(file["density"].shape[1:]), float(file.attrs["spacing"])
            if not self.shape:
                self.shape, self.spacing = grid
                self.prior = Prior(**json.loads(file.attrs["prior"]))
            elif grid != (self.shape, self.spacing):
                raise InputError(f"{path}: crop {grid} differs from {(self.shape, self.spacing)} of {self.paths[0]}")
            self._where += [(path, index) for index in range(len(file["theta"]))]

    def _open(self, path: Path) -> h5py.File:
        if path not in self._files:
            if not path.is_file():
                raise InputError(f"{path}: {no_such_file(path)}")
            try:
                file = h5py.File(path, "r")
            except OSError as error:
                raise InputError(f"{path}: is not a whole HDF5 file ({error})") from error
            if file.attrs.get("format") != FORMAT or file.attrs.get("format_version") != FORMAT_VERSION:
                raise InputError(f"{path}: is not a {FORMAT} of version {FORMAT_VERSION}")
            if found := layout_faults(file):
                raise InputError(f"{path}: {found[0]}")
            self._files[path] = file
        return self._files[path]

    def _maps(self, file: h5py.File) -> Array:
        # shards of one anatomy share its maps in memory
        key = file.attrs["tissue_sha256"]
        if key not in self._tissue:
            self._tissue[key] = np.stack([file[f"tissue/{name}"][:] for name in MAPS])
        return self._tissue[key]

    @property
    def samples(self) -> int:
        """Tumours in the shards, however many times each is served."""
        return len(self._where)

    @property
    def box(self) -> Box:
        """Ranges of θ as the cases have it."""
        return self.prior.box

    def __len__(self) -> int:
        return len(self._where) * (2 if self.flip else 1)

    def __getitem__(self, index: int) -> Case:
        if not 0 <= index < len(self):
            raise IndexError(index)
        path, row = self._where[index % len(self._where)]
        file = self._open(path)
        offset = file["offset"][row]
        maps = np.stack([grids.take(m, offset, self.shape) for m in self._maps(file)])
        theta = file["theta"][row] - np.array([*file["centre"][row], 0, 0])
        density = file["density"][row].astype(np.float32) * np.float32(1 / LEVELS)
        case = Case(density, maps, theta.astype(np.float32))
        return case.flipped() if index >= len(self._where) else case

    def sha256(self) -> str:
        """Hash of the shards' bytes in order: the data's identity on a model card."""
        digest = hashlib.sha256()
        for path in self.paths:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()
