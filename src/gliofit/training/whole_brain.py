"""Simulated tumours as outlines on the whole brain: what the network of Learn-Morph-Infer is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gliofit.anatomy.brain_window import window_affine, window_maps, window_shape
from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.growth.theta import GROWTH
from gliofit.networks.lmi import outlines_image
from gliofit.observation.thresholds import FITTED, Values
from gliofit.synthetic.shards import Case, ShardDataset

PAIRS = 8
"""Pairs of thresholds that a training tumour is seen through (100 in the authors' code, one per epoch)."""


class WholeBrainDataset(ShardDataset):
    """
    The samples of shards, put back from their crops into a window around the brain and seen through two thresholds.

    A `Case` has the image (`outlines_image`) as its density, the tissue of the window, and the origin relative to the
    window's centre; where the shards tell how many days a tumour grew, that is θ's sixth entry. Tumour beyond its
    crop is lost.

    Parameters
    ----------
    paths : sequence of path
        Shards of any crop shape and spacing.
    spacing : float
        Of the window, mm; not finer than the shards'.
    flip : bool
        As in `ShardDataset`.
    pairs : int
        Pairs of thresholds per sample: the dataset is that many times as long.
    shape : tuple of int, optional
        Of the window; `window_shape` of the first shard's anatomy if not given.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        spacing: float,
        *,
        flip: bool = False,
        pairs: int = 1,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(paths, flip=flip)
        self.crop, self.crop_spacing, self.pairs = self.shape, self.spacing, pairs
        self.spacing = max(float(spacing), self.crop_spacing)
        self._windows: dict[str, Array] = {}
        self._seen_maps: dict[str, Array] = {}
        self.shape = tuple(shape or window_shape(self._anatomy(self._open(self.paths[0])), self.spacing))

    @property
    def box(self) -> Box:
        """Ranges of θ: the origin anywhere in the window."""
        reach = np.array(self.shape) * self.spacing / 2
        prior = self.prior.box
        return Box(np.array([*-reach, *prior.lower[GROWTH]]), np.array([*reach, *prior.upper[GROWTH]]))

    def _anatomy(self, file) -> Tissue:
        wm, gm, csf = self._maps(file)
        return Tissue(wm, gm, csf, file["affine"][:])

    def _window(self, file) -> Array:
        key = file.attrs["tissue_sha256"]
        if key not in self._windows:
            self._windows[key] = window_affine(self._anatomy(file), self.shape, self.spacing)
        return self._windows[key]

    def _window_maps(self, file) -> Array:
        """Fractions of tissue in the window, [3, x, y, z]."""
        key = file.attrs["tissue_sha256"]
        if key not in self._seen_maps:
            self._seen_maps[key] = window_maps(self._anatomy(file), self.shape, self.spacing)
        return self._seen_maps[key]

    def __len__(self) -> int:
        return super().__len__() * self.pairs

    def __getitem__(self, index: int) -> Case:
        if not 0 <= index < len(self):
            raise IndexError(index)
        density, (core, whole) = self.seen(index)
        index %= super().__len__()
        path, row = self._where[index % len(self._where)]
        file = self._open(path)
        centre = grids.to_world(self._window(file), (np.array(self.shape) - 1) / 2)
        theta = file["theta"][row] - np.array([*centre, 0, 0])
        if "days" in file:
            theta = np.append(theta, file["days"][row])
        image = outlines_image(density >= core, density >= whole).astype(np.float32)
        case = Case(image, self._window_maps(file), theta.astype(np.float32))
        return case.flipped() if index >= len(self._where) else case

    def seen(self, index: int) -> tuple[Array, Values]:
        """The density of a sample in the window (not mirrored), and the thresholds that it is seen through."""
        pair, index = divmod(index, super().__len__())
        path, row = self._where[index % len(self._where)]
        file = self._open(path)
        window = self._window(file)
        crop = grids.shifted(file["affine"][:], file["offset"][row])
        density = file["density"][row].astype(np.float32) * np.float32(file["density"].attrs["scale"])
        if self.spacing == self.crop_spacing:  # the grids' voxels coincide, see `window_affine`
            density = grids.put(density, np.round(grids.to_voxel(window, crop[:3, 3])), self.shape)
        else:
            density = grids.resample(density, crop, self.shape, window)
        draw = np.random.default_rng(np.random.SeedSequence((pair, *(int(v) for v in file["seed"][row]))))
        core, whole = draw.uniform(*np.transpose(FITTED))
        while not (density >= whole).any():  # a tumour that no scan shows has no segmentation
            core, whole = draw.uniform(*np.transpose(FITTED))
        return density, Values(float(core), float(whole))
