"""
Atlas → patient registration: linear, then deformable, with the tumour hidden.

A tool – antsRegistration or greedy, as the settings say – sees two images on RAS grids in a folder of its own. It runs
as a process of its own, in that folder, so that no path of the user's is among its arguments.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import fields
from importlib import resources
from pathlib import Path

import numpy as np

from gliofit.anatomy import ants_tool, greedy_tool
from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.hidden_tumour import filled, widened
from gliofit.anatomy.tools import Settings
from gliofit.anatomy.transforms import AFFINE, FILES, INVERSE_WARP, WARP, Registration
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import whole_file
from gliofit.base.nifti import Volume, packed, save_volume
from gliofit.base.threads import in_threads

__all__ = ["AFFINE", "FILES", "INVERSE_WARP", "WARP", "Registration", "Settings", "load_settings", "register"]

TOOLS = {"ants": ants_tool, "greedy": greedy_tool}

PARTLY = 0.05
"""Voxels of the metric's grid with more of the tumour than this are hidden."""


def load_settings(name: str | Path) -> Settings:
    """Settings "fast", "greedy", "precise", or of a JSON file; InputError if there are none or a key is wrong."""
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
    if values["tool"] not in TOOLS:
        raise InputError(f"{file}: unknown tool '{values['tool']}'; choose {', '.join(TOOLS)}")
    TOOLS[values["tool"]].check_stages(file, values["linear"], values["deformable"])
    return Settings(**values)


def register(
    scan: Volume,
    brain: Array,
    tumour: Array,
    anatomy: Anatomy,
    settings: Settings,
    folder: str | Path,
    threads: int = 1,
    hide_tumour: bool = True,
) -> Registration:
    """
    Find the transforms from an atlas to a patient.

    Parameters
    ----------
    scan : Volume
        The patient's T1 in any orientation; it need not be near the atlas (centres are matched first).
    brain, tumour : ndarray of bool [x, y, z]
        On the scan's grid; the scan is used inside `brain` only, and its metric is not evaluated in `tumour`.
    anatomy : Anatomy
    settings : Settings
    folder : path
        Where the transforms are kept; those of an earlier registration are removed.
    threads : int
        For the deformable stage.
    hide_tumour : bool
        Fill the tumour from the brain around it before anything is smoothed. The metric's mask alone lets it pull the
        tissue beside it; False is for measuring by how much.

    Raises
    ------
    RuntimeError
        If the tool fails, with its last words.
    """
    folder = Path(folder)
    with tempfile.TemporaryDirectory() as work:
        _write_images(Path(work), scan, brain, tumour, anatomy, settings, hide_tumour, threads)
        made = TOOLS[settings.tool].run(Path(work), settings, threads)
        for names in FILES.values():
            for name in names:
                (folder / name).unlink(missing_ok=True)
        kept = [folder / name for name in FILES[settings.tool]]
        in_threads(_keep, zip(made, kept, strict=True), threads)
    return Registration(folder, threads)


def _keep(paths: tuple[Path, Path]) -> None:
    """Copy a transform, compressed if its new name says so and the old one does not: that is slow in the tools."""
    made, kept = paths
    with whole_file(kept) as part:
        if kept.suffix != ".gz" or made.suffix == ".gz":
            shutil.copyfile(made, part)
            return
        part.write_bytes(packed(made.read_bytes()))


def _write_images(
    work: Path,
    scan: Volume,
    brain: Array,
    hidden: Array,
    anatomy: Anatomy,
    settings: Settings,
    hide: bool = True,
    threads: int = 1,
) -> None:
    """
    Both T1s and brains on RAS grids of the settings' spacing, and the metric's mask; the tumour is filled to `hide` it.

    moving, moving_brain, fixed, fixed_brain and mask.nii.gz; the mask is 1 where the metric is evaluated.
    """
    inside, atlas = anatomy.tissue.brain, anatomy.tissue.affine
    given = {
        "moving": (anatomy.t1.data, anatomy.t1.affine, inside),
        "moving_brain": (inside.astype(np.float32), atlas, inside),
        "fixed": (np.where(brain, scan.data, 0), scan.affine, brain),
        "fixed_brain": (brain.astype(np.float32), scan.affine, brain),
        "mask": (hidden.astype(np.float32), scan.affine, brain),
    }

    def on_grid(name: str) -> tuple[Array, Array]:
        data, affine, mask = given[name]
        shape, grid = grids.aligned_grid(affine, mask, settings.spacing, settings.margin)
        return grids.resample(data, affine, shape, grid), grid

    images = dict(zip(given, in_threads(on_grid, given, threads), strict=True))
    image, grid = images["fixed"]
    tumour = images["mask"][0] > PARTLY
    if hide:
        margin = widened(tumour, grid, settings.tumour_margin)
        images["fixed"] = filled(image, images["fixed_brain"][0], margin, grid), grid
    images["mask"] = (~widened(tumour, grid, settings.metric_margin)).astype(np.uint8), grid
    in_threads(lambda name: save_volume(work / f"{name}.nii.gz", *images[name]), images, threads)
