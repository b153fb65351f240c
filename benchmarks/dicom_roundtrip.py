"""
Plans in DICOM, read back by other programs: `python benchmarks/dicom_roundtrip.py`; the tables are in docs/dicom.md.

Shapes that are hard – a shell whose hole is closed, one voxel, two pieces, a rough tumour – go, on series of many
geometries, NIfTI → DICOM → plastimatch (structure set) and dcmqi (segmentation, parametric map), and are compared with
the NIfTI.
Needs `pip install 'gliofit[dicom-check]'`.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.nifti import Volume
from gliofit.planning.dicom.check import compare
from gliofit.planning.dicom.folder import SERIES, write_folder
from gliofit.planning.dicom.readers import (
    faults,
    placed,
    read_parametric_map,
    read_segmentation,
    read_structure_set,
)
from gliofit.planning.dicom.structures import Structure


def affine_of(axes: np.ndarray, spacing: tuple, shape: tuple) -> np.ndarray:
    """A grid centred on (4, -9, 31) mm; columns of `axes` are the directions of the three array axes in RAS."""
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = np.array([4.0, -9.0, 31.0]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def turned(degrees: tuple) -> np.ndarray:
    """A rotation about x, then y, then z."""
    out = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        turn = np.eye(3)
        a, b = [n for n in range(3) if n != axis]
        turn[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        out = turn @ out
    return out


LPS, SAGITTAL = np.diag([-1.0, -1, 1]), np.array([[0, 0, -1.0], [-1, 0, 0], [0, -1, 0]])
CORONAL = np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, -1.0, 0]])
GRIDS = {
    "axial, 1 mm": (LPS, (1, 1, 1), (120, 120, 100)),
    "sagittal, 1 × 1 × 3 mm": (SAGITTAL, (1, 1, 3), (120, 120, 40)),
    "coronal, 0.9 × 0.9 × 4 mm": (CORONAL, (0.9, 0.9, 4), (120, 120, 30)),
    "oblique (17°, −11°, 8°), 1 × 1 × 2 mm": (turned((17, -11, 8)) @ LPS, (1, 1, 2), (120, 120, 60)),
    "axial, 0.5 × 0.5 × 5 mm": (LPS, (0.5, 0.5, 5), (220, 220, 24)),
    "axial, 0.8 × 1.2 × 3 mm": (LPS, (0.8, 1.2, 3), (140, 96, 40)),
    "oblique, 0.5 × 0.75 × 5 mm": (turned((-20, 14, 31)) @ LPS, (0.5, 0.75, 5), (220, 150, 24)),
    "axial, stored front–up–left": (np.array([[0, 0, -1.0], [1, 0, 0], [0, 1, 0]]), (1, 1, 1), (120, 100, 120)),
}


def shapes(affine: np.ndarray, shape: tuple) -> dict[str, np.ndarray]:
    """The same bodies in mm on any grid, about its centre; and one voxel."""
    centre = (np.array(shape) - 1) / 2
    mm = np.moveaxis(np.indices(shape), 0, -1) - centre
    mm = mm * grids.spacing_of(affine)
    away = np.linalg.norm(mm, axis=-1)
    noise = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=shape), 3 / grids.spacing_of(affine))
    one = np.zeros(shape, bool)
    one[tuple(np.array(shape) // 3)] = True
    pieces = [np.linalg.norm(mm - np.array(place), axis=-1) < r for place, r in (((-20, 5, 0), 9), ((18, -8, 6), 6))]
    return {
        "ball, 15 mm": away < 15,
        "shell, 8 to 20 mm": (away < 20) & (away >= 8),
        "rough, with holes": away + 60 * noise < 22,
        "two pieces": pieces[0] | pieces[1],
        "one voxel": one,
    }


def through(name: str, affine: np.ndarray, shape: tuple) -> str:
    """One geometry: a row of the table, with the worst of the shapes."""
    density = np.random.default_rng(0).random(shape).astype(np.float32)
    row = SimpleNamespace(id="phantom", t1c="t1c.nii.gz", scan="t1c.nii.gz")
    scan = Volume((1000 * density).astype(np.float32), affine)
    patient = SimpleNamespace(affine=affine, shape=shape, scan=scan, patient=row, folder=None)
    masks = shapes(affine, shape)
    structures = [Structure(f"s{n}", "CTV", m, (255, 0, 0), what) for n, (what, m) in enumerate(masks.items())]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "dicom"
        began = time.process_time()
        write_folder(folder, patient, structures, {"made": density})
        took = time.process_time() - began
        outlined = read_structure_set(folder / "rtstruct.dcm", sorted((folder / SERIES).glob("*.dcm")))
        segments = read_segmentation(folder / "seg.dcm")
        rows = []
        for structure in structures:
            found = (placed(v[structure.name], shape, affine) > 0 for v in (outlined, segments))
            rows.append(compare(structure.about, structure.mask, *found, affine))
        read = placed(read_parametric_map(folder / "density_made.dcm"), shape, affine)
        broken = sum(len(faults(path)) for path in [*folder.glob("*.dcm"), folder / SERIES / "0001.dcm"])
    low, shift, differ = min(r.dice for r in rows), max(r.shift_mm for r in rows), sum(r.segment_differs for r in rows)
    wrong = int(np.count_nonzero(read != density))
    return f"| {name} | {low:.4f} | {shift:.4f} | {differ} | {wrong} | {broken} | {took:.1f} |"


def main() -> None:
    """Print the table."""
    print("| series | smallest Dice | largest shift (mm) | voxels that differ: SEG | … map | faults | CPU s to write |")
    print("|---|---|---|---|---|---|---|")
    for name, (axes, spacing, shape) in GRIDS.items():
        print(through(name, affine_of(axes, spacing, shape), shape), flush=True)


if __name__ == "__main__":
    main()
