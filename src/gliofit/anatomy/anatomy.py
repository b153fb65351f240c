"""What every atlas ends as: a skull-stripped T1 and tissue fractions on one RAS grid, proven to overlap."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_volume, save_volume
from gliofit.base.overlap import dice
from gliofit.base.threads import in_threads

MAPS = ("t1", "wm", "gm", "csf")
MIN_DICE = 0.9
"""T1 and tissue maps of one anatomy must overlap at least this much."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """
    An atlas.

    Parameters
    ----------
    t1 : Volume
        Skull-stripped T1, 0 outside the brain, on the tissue's grid.
    tissue : Tissue
        WM, GM and CSF fractions; they sum to at most 1.
    """

    t1: Volume
    tissue: Tissue

    @property
    def brain_dice(self) -> float:
        """Overlap of the T1's brain with the maps' brain."""
        return dice(self.t1.data > 0, self.tissue.brain)

    def save(self, folder: str | Path) -> None:
        """Write t1, wm, gm and csf.nii.gz into `folder`, each whole or absent."""
        for name in MAPS:
            data = self.t1.data if name == "t1" else getattr(self.tissue, name)
            save_volume(Path(folder) / f"{name}.nii.gz", data, self.tissue.affine)

    @classmethod
    def load(cls, folder: str | Path, threads: int = 1, head: bool = False) -> Anatomy:
        """Read what `save` wrote; of the `head` alone, without the air around it."""
        return load_files({name: Path(folder) / f"{name}.nii.gz" for name in MAPS}, threads, head)


def load_files(paths: dict[str, str | Path], threads: int = 1, head: bool = False) -> Anatomy:
    """
    An anatomy from four NIfTI files (t1, wm, gm, csf), in any orientation.

    The grid is that of wm, reordered to RAS; or the part of it with the `head`, and a voxel around.

    Raises
    ------
    InputError
        Naming the file, when a map is not a fraction or the T1 and the maps overlap by a Dice of 0.9 or less.
    """
    volumes = in_threads(lambda name: _canonical(load_volume(paths[name])), MAPS, threads)
    volumes = _of_head(volumes) if head else volumes
    images = dict(zip(MAPS, volumes, strict=True))
    for name in ("wm", "gm", "csf"):
        low, high = float(images[name].data.min()), float(images[name].data.max())
        if low < -0.01 or high > 1.01:
            raise InputError(f"{paths[name]}: not a map of fractions: its values run from {low:.3g} to {high:.3g}")
    return assemble(images["t1"], images["wm"], images["gm"], images["csf"], source=str(paths["t1"]))


def assemble(t1: Volume, wm: Volume, gm: Volume, csf: Volume, source: str) -> Anatomy:
    """T1 and maps on the grid of `wm`, fractions adding up to at most 1; InputError, naming `source`, if they part."""
    shape, affine = wm.shape, wm.affine
    maps = [grids.resample(m.data, m.affine, shape, affine).clip(0, 1) for m in (wm, gm, csf)]
    # SRI24's maps add up to 2 in places (CSF painted over GM): make them fractions of one voxel
    total = np.maximum(sum(maps), 1)
    wm_map, gm_map, csf_map = (m / total for m in maps)
    tissue = Tissue(wm_map, gm_map, csf_map, affine)
    anatomy = Anatomy(Volume(grids.resample(t1.data, t1.affine, shape, affine), affine), tissue)
    if not anatomy.brain_dice > MIN_DICE:
        overlap = anatomy.brain_dice
        raise InputError(f"{source}: the T1's brain and the tissue maps overlap by a Dice of only {overlap:.2f}")
    return anatomy


def _of_head(volumes: list[Volume]) -> list[Volume]:
    """Volumes of one grid where any is not 0, and a voxel around; others as they are."""
    first = volumes[0]
    if any(v.shape != first.shape or not np.allclose(v.affine, first.affine, atol=1e-5) for v in volumes):
        return volumes
    some = np.any([volume.data != 0 for volume in volumes], 0)
    box = grids.box_of(some, 1) if some.any() else (slice(None),) * 3
    affine = grids.shifted(first.affine, np.array([side.start or 0 for side in box]))
    return [Volume(np.ascontiguousarray(volume.data[box]), affine) for volume in volumes]


def _canonical(volume: Volume) -> Volume:
    """Axes reordered and flipped to the nearest RAS, voxels untouched."""
    if nib.aff2axcodes(volume.affine) == ("R", "A", "S"):
        return volume
    image = nib.as_closest_canonical(nib.Nifti1Image(volume.data, volume.affine))
    return Volume(np.ascontiguousarray(image.dataobj), image.affine)
