"""
Rigid registration of one image of a patient to another one, whatever the two show.

ANTs with mutual information (Mattes), inside the brain of the fixed image, from the best of many starts: as the headers
say, with the centres of mass laid on each other, and turned. The result is one matrix, so that an image is resampled
once.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy import io, ndimage, optimize
from scipy.spatial.transform import Rotation

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.nifti import Volume, save_volume
from gliofit.patients.raw.ants_process import run_ants

SPACING = 2.0
"""Grid of the metric, mm."""

COARSE = 6.0
"""Grid that starts are compared on, mm."""

TURNS = (-20.0, 0.0, 20.0)
"""Degrees about each axis that a registration may start from."""

CLIMBS = 2
"""Starts that are followed uphill on the coarse grid, before the best is refined."""

RIM_MM = 6.0
"""Around the brain, for two heads with their skulls on: scalp and skull hold a rigid registration, too."""

BINS = 32

SAMPLED = 0.1
"""Of the voxels, at regular places, that the metric looks at in each step."""

LEAST_SEEN = 0.3
"""Of the brain must lie in the moving image's field of view."""

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""ANTs' world runs to the left and to the back."""


@dataclass(frozen=True, eq=False)
class Motion:
    """
    A rigid transform.

    Parameters
    ----------
    matrix : ndarray (4, 4)
        World of the moving image → world of the fixed one, mm (RAS).
    information : float
        Normalised mutual information of the two images after it (1: none, 2: all).
    before : float
        The same as the headers say.
    """

    matrix: Array
    information: float
    before: float

    def moves(self, points: Array) -> Array:
        """How far each of some points (n, 3) of the fixed world was away from its place, mm."""
        return np.linalg.norm(grids.to_voxel(self.matrix, points) - points, axis=1)

    @property
    def degrees(self) -> float:
        """Angle that it turns by."""
        return float(np.degrees(Rotation.from_matrix(self.matrix[:3, :3]).magnitude()))


def align(fixed: Volume, moving: Volume, brain: Array, alike: bool = True) -> Motion:
    """
    Find where a moving image lies in the world of a fixed one.

    Parameters
    ----------
    fixed, moving : Volume
        In any orientation, voxel size and place.
    brain : ndarray of bool [x, y, z]
        On the fixed image's grid: the metric is evaluated there.
    alike : bool
        Both have their skulls on, or neither has, or one is a PET: then a rim around the brain counts, too.

    Raises
    ------
    RuntimeError
        If antsRegistration fails, with its last words.
    """
    images = _on_grid(fixed, moving, brain, SPACING, alike)
    # grids of parallel axes are resampled ten times as fast
    coarse = _on_grid(images.fixed, images.moving, images.counts, COARSE, alike=False)
    found = _refined(images, _best_start(coarse))
    before = _information(images, np.eye(4))
    after = _information(images, found)
    # two images that were aligned already may gain nothing: then headers are right
    return Motion(found, after, before) if after > before else Motion(np.eye(4), before, before)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two images on straight grids, and where the metric counts."""

    fixed: Volume
    moving: Volume
    counts: Array


def _on_grid(fixed: Volume, moving: Volume, brain: Array, spacing: float, alike: bool) -> _Pair:
    shape, affine = grids.aligned_grid(fixed.affine, brain, spacing, 12.0)
    still = Volume(grids.resample(fixed.data, fixed.affine, shape, affine), affine)
    counts = grids.resample(brain.astype(np.float32), fixed.affine, shape, affine) > 0.5
    if alike:
        counts = ndimage.distance_transform_edt(~counts, spacing) <= RIM_MM
    everything = np.ones(moving.shape, bool)
    shape, affine = grids.aligned_grid(moving.affine, everything, spacing, 0.0)
    return _Pair(still, Volume(grids.resample(moving.data, moving.affine, shape, affine), affine), counts)


def _starts(pair: _Pair) -> list[Array]:
    """As the headers say, and with centres of mass laid on each other, each turned about the brain's centre."""
    centre = grids.to_world(pair.fixed.affine, np.array(ndimage.center_of_mass(pair.counts)))
    away = grids.to_world(pair.moving.affine, np.array(ndimage.center_of_mass(pair.moving.data.clip(0))))
    starts = [np.eye(4)]
    for shift, angles in product((np.zeros(3), centre - away), product(TURNS, repeat=3)):
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
        # turned about the brain's centre, which has come to its place
        matrix[:3, 3] = centre + matrix[:3, :3] @ (shift - centre)
        starts.append(matrix)
    return starts


def _best_start(pair: _Pair) -> Array:
    """Of the starts that say most, each moved uphill (Powell), the best."""
    starts = sorted(_starts(pair), key=lambda matrix: _information(pair, matrix), reverse=True)[:CLIMBS]
    centre = grids.to_world(pair.fixed.affine, np.array(ndimage.center_of_mass(pair.counts)))

    def moved(values: Array, start: Array) -> Array:
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("xyz", 10 * values[:3], degrees=True).as_matrix()
        matrix[:3, 3] = centre + 10 * values[3:] - matrix[:3, :3] @ centre
        return matrix @ start

    climbed = []
    for start in starts:
        found = optimize.minimize(
            lambda values, start=start: -_information(pair, moved(values, start)),
            np.zeros(6),
            method="Powell",
            options={"maxfev": 250, "xtol": 0.02, "ftol": 1e-5},
        )
        climbed.append((float(found.fun), moved(found.x, start)))
    return min(climbed, key=lambda pair: pair[0])[1]


def _information(pair: _Pair, matrix: Array) -> float:
    """
    Normalised mutual information (H(A) + H(B)) / H(A, B) of fixed and moving image where the metric counts.

    Source: C. Studholme, D. L. G. Hill, D. J. Hawkes, Pattern Recognition 32(1):71–86, 1999, Eq. 3.
    """
    places = np.argwhere(pair.counts)
    step = max(1, len(places) // 60_000)
    places = places[::step]
    still = pair.fixed.data[tuple(places.T)]
    index = grids.to_voxel(matrix @ pair.moving.affine, grids.to_world(pair.fixed.affine, places))
    seen = ((index >= 0) & (index <= np.array(pair.moving.shape) - 1)).all(1)
    if seen.mean() < LEAST_SEEN:
        return 1.0  # what little is in view says nothing
    still, index = still[seen], index[seen]
    moved = ndimage.map_coordinates(pair.moving.data, index.T, order=1)
    joint = np.histogram2d(_binned(still), _binned(moved), bins=BINS, range=[[0, BINS], [0, BINS]])[0]
    joint /= joint.sum()

    def entropy(p: Array) -> float:
        p = p[p > 0]
        return float(-(p * np.log(p)).sum())

    both = entropy(joint.ravel())
    return (entropy(joint.sum(0)) + entropy(joint.sum(1))) / both if both > 0 else 1.0


def _binned(values: Array) -> Array:
    low, high = np.percentile(values, [0.5, 99.5])
    return np.clip((values - low) / max(high - low, 1e-12), 0, 1 - 1e-6) * BINS


def _refined(pair: _Pair, start: Array) -> Array:
    """The rigid transform of antsRegistration from a start."""
    with tempfile.TemporaryDirectory(prefix="gliofit-") as work:
        paths = {name: f"{work}/{name}.nii.gz" for name in ("fixed", "moving", "counts")}
        save_volume(paths["fixed"], pair.fixed.data, pair.fixed.affine)
        save_volume(paths["moving"], pair.moving.data, pair.moving.affine)
        save_volume(paths["counts"], pair.counts.astype(np.uint8), pair.fixed.affine)
        _write_transform(Path(work) / "start.mat", start)
        metric = f"MI[{paths['fixed']},{paths['moving']},1,{BINS},Regular,{SAMPLED}]"
        arguments = ["--dimensionality", "3", "--float", "1", "--random-seed", "1", "--output", f"{work}/found"]
        arguments += ["--initial-moving-transform", f"{work}/start.mat", "--collapse-output-transforms", "1"]
        arguments += ["--masks", f"[{paths['counts']},NA]", "--winsorize-image-intensities", "[0.005,0.995]"]
        arguments += ["--transform", "Rigid[0.1]", "--metric", metric, "--convergence", "[50x30,1e-6,10]"]
        run_ants([*arguments, "--shrink-factors", "2x1", "--smoothing-sigmas", "1x0vox"])
        return _read_transform(Path(work) / "found0GenericAffine.mat")


def _write_transform(path: Path, matrix: Array) -> None:
    """A matrix (moving world → fixed world, RAS) as ITK keeps it: fixed world → moving world, LPS."""
    inverse = LPS @ np.linalg.inv(matrix) @ LPS
    values = np.concatenate([inverse[:3, :3].ravel(), inverse[:3, 3]])[:, None]
    io.savemat(path, {"AffineTransform_double_3_3": values, "fixed": np.zeros((3, 1))}, format="4")


def _read_transform(path: Path) -> Array:
    """The inverse of `_write_transform`; ITK turns about a centre, the key `fixed`."""
    content = io.loadmat(path)
    values = next(value for key, value in content.items() if key.startswith(("AffineTransform", "Euler3D"))).ravel()
    centre = content["fixed"].ravel()
    inverse = np.eye(4)
    inverse[:3, :3] = values[:9].reshape(3, 3)
    inverse[:3, 3] = values[9:] + centre - inverse[:3, :3] @ centre
    u, _, v = np.linalg.svd(inverse[:3, :3])
    inverse[:3, :3] = u @ v  # rounding leaves axes that are not quite perpendicular
    return np.linalg.inv(LPS @ inverse @ LPS)
