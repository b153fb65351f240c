"""Checks of a patient's files that need no voxels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file
from gliofit.base.nifti import open_image
from gliofit.patients.sample_sheet import Patient

EDGE_MM = (0.1, 20.0)
"""Voxel edges outside of this are no millimetres (or no scan)."""

PLACE = 0.1
"""Voxels that the corners of a grid may move by, between two files or when axes are made perpendicular."""

ORTHONORMAL = 1e-5
"""Axes this near to perpendicular are left as they are; ITK refuses from about 1e-4."""


@dataclass(eq=False)
class Grid:
    """
    The grid that all of a patient's files share.

    Parameters
    ----------
    shape : tuple of int
    affine : ndarray (4, 4)
        With perpendicular axes, mm.
    warnings : list of str
        What a header does not say, or what was repaired.
    """

    shape: tuple
    affine: Array
    warnings: list[str] = field(default_factory=list)


def check_headers(patient: Patient) -> Grid:
    """
    Check each of a patient's files by itself, and then that they share one grid, without reading voxels.

    Raises
    ------
    InputError
        Naming the file and its fault: missing, unreadable, not three-dimensional, not numbers, a broken affine, axes
        that are not perpendicular, or another grid than the first file's.
    """
    headers = {path: check_header(path) for path in patient.files.values()}
    first, (shape, affine, warnings) = next(iter(headers.items()))
    for path, (own_shape, own_affine, _) in headers.items():
        if own_shape != shape:
            order = " (its axes in another order)" if sorted(own_shape) == sorted(shape) else ""
            raise InputError(f"{path}: shape {own_shape} differs from {shape} of {first}{order}")
        if apart(own_affine, affine, shape) > PLACE:
            bare = next((p for p in (path, first) if _no_orientation(p)), None)
            why = f" ({bare.name} has no orientation: its sform and qform codes are 0)" if bare else ""
            raise InputError(
                f"{path}: affine differs from that of {first}: voxels of the two lie in different places{why}"
            )
    # the scan says more of the place than a segmentation, whose tool may have written a bare header
    straight, repaired = perpendicular(first, affine, shape)
    return Grid(shape, straight, [*warnings, *repaired])


def _no_orientation(path: Path) -> bool:
    header = open_image(path).header
    return hasattr(header, "get_sform") and not int(header["sform_code"]) and not int(header["qform_code"])


def check_header(path: Path) -> tuple[tuple, Array, list[str]]:
    """
    Shape (trailing axes of length one dropped), affine and warnings of one file.

    Raises
    ------
    InputError
        Naming the file and its fault.
    """
    if not path.is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    image = open_image(path)
    shape = tuple(int(n) for n in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise InputError(f"{path}: has {len(shape)} dimensions, {shape}, not 3")
    if min(shape) < 2:
        raise InputError(f"{path}: has shape {shape}: a single slice is no volume")
    affine = np.asarray(image.affine, float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise InputError(f"{path}: its affine (sform or qform) is zero or not a number, so that no voxel has a place")
    edges = grids.spacing_of(affine)
    if edges.min() < EDGE_MM[0] or edges.max() > EDGE_MM[1]:
        raise InputError(f"{path}: voxel edges of {_edges(edges)} mm are none; is its header in another unit than mm?")
    return shape, affine, _unsaid(path, image, affine, shape)


def _unsaid(path: Path, image: Any, affine: Array, shape: tuple) -> list[str]:
    """What the header of a file leaves open about where the voxels are."""
    header, warnings = image.header, []
    look = "check in the pictures that left is left and the front is the front"
    if hasattr(header, "get_sform"):
        codes = int(header["sform_code"]), int(header["qform_code"])
        if codes == (0, 0):
            warnings.append(f"{path}: its header has no orientation (sform and qform code 0), which is guessed; {look}")
            return warnings
        unit = header.get_xyzt_units()[0]
        if unit in ("meter", "micron"):
            warnings.append(
                f"{path}: its header says {unit}; its voxel edges, {_edges(grids.spacing_of(affine))}, are read as mm"
            )
        if min(codes) > 0 and apart(image.get_qform(), image.get_sform(), shape) > 1:
            warnings.append(f"{path}: its sform and its qform say different places; the sform is used; {look}")
    axes = affine[:3, :3] / grids.spacing_of(affine)
    bare = np.allclose(axes, np.eye(3), atol=1e-6) or np.allclose(axes, np.diag([-1, -1, 1]), atol=1e-6)
    if bare and np.allclose(affine[:3, 3], 0, atol=1e-6):
        warnings.append(
            f"{path}: its affine is an identity (scaled), as tools write that lost the header: the orientation is not "
            f"known; {look}"
        )
    return warnings


def _edges(edges: Array) -> str:
    return " × ".join(f"{edge:.3g}" for edge in edges)


def apart(affine: Array, other: Array, shape: tuple) -> float:
    """How far, in voxels, two affines put the same corner apart at most."""
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in shape], indexing="ij")).reshape(len(shape), -1).T
    away = np.abs(grids.to_world(affine, corners) - grids.to_world(other, corners)).max()
    return float(away / grids.spacing_of(other).min())


def perpendicular(path: Path, affine: Array, shape: tuple) -> tuple[Array, list[str]]:
    """
    The affine with the nearest perpendicular axes (polar decomposition), turned about the grid's centre.

    Direction cosines that a tool rounded to three decimals are not quite perpendicular, which registration refuses.
    """
    edges = grids.spacing_of(affine)
    axes = affine[:3, :3] / edges
    if np.abs(axes.T @ axes - np.eye(3)).max() < ORTHONORMAL:
        return affine, []
    u, _, v = np.linalg.svd(axes)
    straight = affine.copy()
    straight[:3, :3] = (u @ v) * edges
    middle = (np.array(shape) - 1) / 2
    straight[:3, 3] += grids.to_world(affine, middle) - grids.to_world(straight, middle)
    moved = apart(straight, affine, shape)
    if moved > PLACE:
        raise InputError(
            f"{path}: its axes are not perpendicular (voxels lie up to {moved:.2g} voxels off): a sheared scan"
        )
    return straight, [
        f"{path}: its axes are not quite perpendicular; they were straightened, by {moved:.2g} voxels at most"
    ]


def in_atlas_space(path: str | Path) -> bool:
    """Whether an image fills SRI24's box of space (240×240×155 mm, which BraTS shares), in any orientation."""
    image = open_image(Path(path))
    if len(image.shape) < 3:
        return False
    corners = np.array(np.meshgrid(*[[-0.5, n - 0.5] for n in image.shape[:3]], indexing="ij")).reshape(3, -1).T
    world = grids.to_world(image.affine, corners)
    box = np.array([world.min(0), world.max(0)])
    return bool(np.allclose(box, [[-239.5, -0.5, -0.5], [0.5, 239.5, 154.5]], atol=0.5))
