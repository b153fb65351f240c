"""
Atlas → patient registration with ANTs: rigid and affine, then SyN, with the tumour left out of every metric.

Images travel as NIfTI files on RAS grids, so that ANTs' own conversion to its LPS world holds in both directions. The
linear stages run on one thread, as their sums depend on the number of threads; SyN with cross-correlation does not, so
that a result is the same whatever the number of cores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.anatomy.atlas import Anatomy
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import whole_file
from gliofit.base.nifti import Volume, save_volume

AFFINE, WARP, INVERSE_WARP = "affine.mat", "warp.nii.gz", "inverse_warp.nii.gz"
RUN = "import sys, ants; sys.exit(ants.registration(sys.argv[1:], None))"
"""antsRegistration in a process of its own: ITK reads its number of threads once per process."""

LPS = np.array([-1.0, -1.0, 1.0])
"""ANTs' world runs to the left and to the back."""

STAGE_KEYS = {"transform", "metrics", "iterations", "tolerance", "shrink", "smoothing"}


@dataclass(frozen=True)
class Settings:
    """
    How to register; named sets are JSON files in gliofit/anatomy/registration_settings.

    Parameters
    ----------
    spacing : float
        Grid that the metrics are evaluated on, mm.
    margin : float
        Space kept around the brain, mm.
    tumour_margin : float
        The tumour is left out of the metrics with this rim around it, mm.
    winsorize : list of float
        Lower and upper quantile that intensities are clipped to.
    seed : int
    linear, deformable : list of dict, dict
        Stages as antsRegistration takes them: transform, metrics (with {fixed}, {moving}, {fixed_brain} and
        {moving_brain} for the images), iterations, tolerance, shrink and smoothing (voxels) per level.
    """

    spacing: float
    margin: float
    tumour_margin: float
    winsorize: list[float]
    seed: int
    linear: list[dict]
    deformable: dict


def load_settings(name: str | Path) -> Settings:
    """Settings "fast", "precise", or of a JSON file; InputError if there are none or a key is wrong."""
    package = resources.files(__package__) / "registration_settings"
    named = sorted(p.name.removesuffix(".json") for p in package.iterdir() if p.name.endswith(".json"))
    file = package / f"{name}.json" if str(name) in named else Path(name)
    if not file.is_file():
        raise InputError(f"unknown registration settings '{name}'; choose {', '.join(named)} or a JSON file")
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file}: not valid JSON ({error})") from error
    expected = {field.name for field in fields(Settings)}
    if not isinstance(values, dict) or set(values) != expected:
        raise InputError(f"{file}: must have exactly the keys {', '.join(sorted(expected))}")
    for stage in [*values["linear"], values["deformable"]]:
        if set(stage) != STAGE_KEYS:
            raise InputError(f"{file}: a stage must have exactly the keys {', '.join(sorted(STAGE_KEYS))}")
        if not len(stage["iterations"]) == len(stage["shrink"]) == len(stage["smoothing"]):
            raise InputError(f"{file}: iterations, shrink and smoothing of {stage['transform']} differ in length")
    return Settings(**values)


@dataclass(frozen=True)
class Registration:
    """
    Transforms between an atlas and a patient, kept in `folder` as affine.mat, warp.nii.gz and inverse_warp.nii.gz.

    `antsApplyTransforms -t warp.nii.gz -t affine.mat` takes the atlas to the patient, and
    `-t [affine.mat,1] -t inverse_warp.nii.gz` the patient to the atlas.
    """

    folder: Path

    def __post_init__(self) -> None:
        for name in (AFFINE, WARP, INVERSE_WARP):
            if not (Path(self.folder) / name).is_file():
                raise InputError(f"{Path(self.folder) / name}: no such file")

    def to_patient(self, volumes: list[Volume], shape: tuple, affine: Array) -> list[Array]:
        """
        Atlas-space volumes on a patient grid (`shape`, `affine`), linear, 0 outside the atlas; float32 [x, y, z].

        Volumes finer than the grid are averaged to its spacing first.
        """
        return self._apply([(WARP, False), (AFFINE, False)], volumes, shape, affine)

    def to_atlas(self, volumes: list[Volume], shape: tuple, affine: Array) -> list[Array]:
        """Patient-space volumes on an atlas grid; otherwise as `to_patient`."""
        return self._apply([(AFFINE, True), (INVERSE_WARP, False)], volumes, shape, affine)

    def points_to_patient(self, points: Array) -> Array:
        """World points (n, 3) in mm of the atlas → the patient's world."""
        import ants
        import pandas as pd

        # points go against images: where an image in the atlas's space looks up its value is where a point goes
        files = [str(Path(self.folder) / name) for name in (AFFINE, INVERSE_WARP)]
        points = np.atleast_2d(np.asarray(points, float))
        frame = pd.DataFrame(points * LPS, columns=["x", "y", "z"])
        moved = ants.apply_transforms_to_points(3, frame, files, whichtoinvert=[True, False])
        return moved[["x", "y", "z"]].to_numpy() * LPS

    def _apply(self, chain: list[tuple[str, bool]], volumes: list[Volume], shape: tuple, affine: Array) -> list[Array]:
        import ants

        files = [str(Path(self.folder) / name) for name, _ in chain]
        inverted = [inverse for _, inverse in chain]
        warped = []
        with tempfile.TemporaryDirectory() as folder:
            save_volume(f"{folder}/grid.nii.gz", np.zeros(shape, np.uint8), affine)
            grid = ants.image_read(f"{folder}/grid.nii.gz")
            for volume in volumes:
                volume = _coarsened(volume, float(grids.spacing_of(affine).max()))
                save_volume(f"{folder}/moving.nii.gz", volume.data.astype(np.float32), volume.affine)
                moving = ants.image_read(f"{folder}/moving.nii.gz")
                image = ants.apply_transforms(grid, moving, files, interpolator="linear", whichtoinvert=inverted)
                warped.append(np.ascontiguousarray(image.numpy(), np.float32))
        return warped


def register(
    scan: Volume,
    brain: Array,
    tumour: Array,
    anatomy: Anatomy,
    settings: Settings,
    folder: str | Path,
    threads: int = 1,
) -> Registration:
    """
    Find the transforms from an atlas to a patient.

    Parameters
    ----------
    scan : Volume
        The patient's T1 in any orientation; it need not be near the atlas (centres of mass are matched first).
    brain, tumour : ndarray of bool [x, y, z]
        On the scan's grid; the scan is used inside `brain` only, and not in `tumour`.
    anatomy : Anatomy
    settings : Settings
    folder : path
        Where the transforms are kept.
    threads : int
        For SyN.

    Raises
    ------
    RuntimeError
        If antsRegistration fails, with its last words.
    """
    folder = Path(folder)
    with tempfile.TemporaryDirectory() as work:
        images = _write_images(Path(work), scan, brain, tumour, anatomy, settings)
        common = ["--dimensionality", "3", "--float", "1", "--collapse-output-transforms", "1"]
        common += ["--random-seed", str(settings.seed), "--masks", f"[{images['mask']},NA]"]
        common += ["--winsorize-image-intensities", "[{},{}]".format(*settings.winsorize)]
        start = "[{fixed},{moving},1]".format(**images)
        linear = [part for stage in settings.linear for part in _stage(stage, images)]
        _run([*common, "--initial-moving-transform", start, *linear, "--output", f"{work}/linear"], threads=1)
        start = f"{work}/linear0GenericAffine.mat"
        syn = _stage(settings.deformable, images)
        _run([*common, "--initial-moving-transform", start, *syn, "--output", f"{work}/syn"], threads=threads)
        results = {AFFINE: "syn0GenericAffine.mat", WARP: "syn1Warp.nii.gz", INVERSE_WARP: "syn1InverseWarp.nii.gz"}
        for name, made in results.items():
            with whole_file(folder / name) as part:
                shutil.copyfile(Path(work) / made, part)
    return Registration(folder)


def _write_images(
    work: Path, scan: Volume, brain: Array, tumour: Array, anatomy: Anatomy, settings: Settings
) -> dict[str, str]:
    """Both brains on RAS grids of the settings' spacing, and the metric's mask (1 where it is evaluated)."""
    images = {}

    def write(name, data, affine, mask):
        shape, grid = grids.aligned_grid(affine, mask, settings.spacing, settings.margin)
        images[name] = str(work / f"{name}.nii.gz")
        out = grids.resample(data, affine, shape, grid)
        save_volume(images[name], out, grid)
        return out, grid

    inside = (anatomy.tissue.brain, anatomy.tissue.affine)
    write("moving", anatomy.t1.data, anatomy.t1.affine, inside[0])
    write("moving_brain", inside[0].astype(np.float32), inside[1], inside[0])
    write("fixed", np.where(brain, scan.data, 0), scan.affine, brain)
    write("fixed_brain", brain.astype(np.float32), scan.affine, brain)
    fraction, grid = write("mask", tumour.astype(np.float32), scan.affine, brain)
    hidden = fraction > 0.05
    if hidden.any() and settings.tumour_margin > 0:
        hidden = ndimage.distance_transform_edt(~hidden, grids.spacing_of(grid)) <= settings.tumour_margin
    save_volume(images["mask"], (~hidden).astype(np.uint8), grid)
    return images


def _stage(stage: dict, images: dict[str, str]) -> list[str]:
    """A stage of the settings as arguments of antsRegistration."""
    levels = {key: "x".join(str(v) for v in stage[key]) for key in ("iterations", "shrink", "smoothing")}
    arguments = ["--transform", stage["transform"]]
    for metric in stage["metrics"]:
        arguments += ["--metric", metric.format(**images)]
    arguments += ["--convergence", f"[{levels['iterations']},{stage['tolerance']},10]"]
    return [*arguments, "--shrink-factors", levels["shrink"], "--smoothing-sigmas", f"{levels['smoothing']}vox"]


def _run(arguments: list[str], threads: int) -> None:
    environment = {**os.environ, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise RuntimeError(f"antsRegistration ended with status {done.returncode}: {words}")


def _coarsened(volume: Volume, spacing: float) -> Volume:
    """The volume averaged to `spacing` mm where it is much finer, so that interpolation does not skip voxels."""
    if spacing < 1.5 * grids.spacing_of(volume.affine).max():
        return volume
    everything = np.ones(volume.shape, bool)
    shape, affine = grids.aligned_grid(volume.affine, everything, spacing, margin_mm=0)
    return Volume(grids.resample(volume.data, volume.affine, shape, affine), affine)
