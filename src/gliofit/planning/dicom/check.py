"""
Whether a patient's DICOM says what the NIfTI say, as other programs read it: `make check-dicom PATIENT=…`.

`python -m gliofit.planning.dicom.check results/{patient}` prints a table, and ends with 1 if anything is not as it
should be.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.base.nifti import load_volume
from gliofit.base.overlap import dice
from gliofit.patients.dicom_series import FILE, DicomSeries
from gliofit.planning.dicom.folder import SEGMENTATION, SERIES, STRUCTURE_SET
from gliofit.planning.dicom.readers import faults, placed, read_parametric_map, read_segmentation, read_structure_set

GOOD_DICE, GOOD_MM = 0.995, 0.05
"""What a structure set keeps at least of a mask, and how far the mask's centre may move."""


@dataclass(frozen=True)
class Row:
    """
    How a mask came through.

    Parameters
    ----------
    name : str
    voxels : int
        Of the NIfTI.
    dice, shift_mm : float
        Of the structure set's mask with it, and the distance of their centres of mass.
    segment_differs : int
        Voxels in which the segmentation differs.
    """

    name: str
    voxels: int
    dice: float
    shift_mm: float
    segment_differs: int

    @property
    def good(self) -> bool:
        return self.dice >= GOOD_DICE and self.shift_mm <= GOOD_MM and not self.segment_differs


def compare(name: str, mask: Array, outlined: Array, segment: Array, affine: Array) -> Row:
    """A mask [x, y, z], and what was read of it from the structure set and from the segmentation, on its grid."""
    shift = float("inf")
    if mask.any() and outlined.any():
        shift = float(np.linalg.norm(_centre(mask, affine) - _centre(outlined, affine)))
    return Row(name, int(mask.sum()), dice(mask, outlined), shift, int(np.count_nonzero(mask != segment)))


def _centre(mask: Array, affine: Array) -> Array:
    return grids.to_world(affine, np.argwhere(mask).mean(0))


def check(results: str | Path) -> tuple[list[Row], dict[str, int], list[str]]:
    """
    Read `results/{patient}/dicom/` with other programs and compare it with the NIfTI it was made from.

    Returns
    -------
    list of Row
        Of all structures.
    dict
        Parametric map → voxels in which it differs from its NIfTI.
    list of str
        What the standard does not allow, with the file's name.
    """
    results = Path(results)
    folder, about = results / "dicom", results / "dicom.json"
    if not about.is_file():
        raise InputError(f"{about}: no such file; `snakemake {folder}` makes it")
    contents = read_json(about)
    slices = sorted((folder / SERIES).glob("*.dcm"))
    if not contents["made"]:
        slices = [s.file for s in DicomSeries.load(results / "prepared" / FILE).slices]
    outlined = read_structure_set(folder / STRUCTURE_SET, slices)
    segments = read_segmentation(folder / SEGMENTATION)
    rows = []
    for structure in contents["structures"]:
        name = structure["name"]
        for where, found in ((STRUCTURE_SET, outlined), (SEGMENTATION, segments)):
            if name not in found:
                raise InputError(f"{folder / where}: has no {name} (but {', '.join(found)})")
        volume = load_volume(results / structure["file"])
        mask = volume.data >= np.float32(structure["at_least"])
        outline, segment = (placed(found[name], volume.shape, volume.affine) > 0 for found in (outlined, segments))
        rows.append(compare(name, mask, outline, segment, volume.affine))
    maps = {}
    for file, made_from in contents["maps"].items():
        volume = load_volume(results / made_from)
        read = placed(read_parametric_map(folder / file), volume.shape, volume.affine)
        maps[file] = int(np.count_nonzero(read != volume.data))
    written = [*sorted(folder.glob("*.dcm")), *slices[:1] * contents["made"]]
    return rows, maps, [f"{path.name}: {fault}" for path in written for fault in faults(path)]


def table(rows: list[Row], maps: dict[str, int], broken: list[str]) -> str:
    """The results of `check` in words."""
    lines = ["structure          voxels   Dice     shift (mm)  segment: voxels that differ"]
    for row in rows:
        mark = "" if row.good else "   <-- not as it should be"
        lines.append(
            f"{row.name:16}  {row.voxels:7d}   {row.dice:.4f}   {row.shift_mm:.4f}      {row.segment_differs}{mark}"
        )
    lines += ["", "parametric map: voxels that differ"]
    lines += [f"{file}: {number}{'   <-- not as it should be' * bool(number)}" for file, number in maps.items()]
    lines += ["", *(broken or ["dciodvfy finds nothing that the standard does not allow"])]
    lines.append(
        "Dice and shift: plastimatch; segments and maps: dcmqi; standard: dicom3tools. Against the NIfTI files."
    )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """`check` on the folder that is given; 1 if anything is not as it should be, 2 without one folder."""
    if len(arguments) != 1:
        print("usage: python -m gliofit.planning.dicom.check results/PATIENT", file=sys.stderr)
        return 2
    try:
        rows, maps, broken = check(arguments[0])
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(table(rows, maps, broken))
    return int(not all(row.good for row in rows) or any(maps.values()) or bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
