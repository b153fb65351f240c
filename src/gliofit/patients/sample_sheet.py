"""
Which patients there are: the sample sheet, and folders of BraTS cases.

Everything here reads names and headers only, so that a mistake shows before any job is planned.
"""

from __future__ import annotations

import csv
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from gliofit.base.errors import InputError
from gliofit.patients.labels import LABELLINGS

REQUIRED = ("id", "t1", "t1c", "flair", "seg")
"""Columns that a sheet must have; cells under t1, t1c and flair may be empty."""

FILES = ("t1", "t1c", "flair", "seg", "whole", "fet", "recurrence", "wm", "gm", "csf", "brain")

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""An id is a folder name, a wildcard and a table cell."""

SUFFIXES = {
    "t1": ("t1n", "t1"),
    "t1c": ("t1c", "t1ce", "t1gd"),
    "flair": ("t2f", "flair"),
    "seg": ("seg", "tumt1c"),
    "whole": ("whole", "tumflair"),
    "fet": ("fet", "pet", "tumpet"),
    "recurrence": ("recurrence",),
    "wm": ("wm",),
    "gm": ("gm",),
    "csf": ("csf",),
    "brain": ("brainmask", "brain_mask", "brain"),
}
"""How a case's files end, in order of preference: BraTS 2021–2023 names, those of 2018–2020, GliomaSolver's."""

CONTAINED = ("fet", "recurrence")
"""Columns that a file with the word anywhere in its name serves, if there is no better one."""


@dataclass(frozen=True)
class Patient:
    """
    One row of the sample sheet. Paths are None where a cell is empty.

    Parameters
    ----------
    id : str
    t1, t1c, flair : Path
        Skull-stripped scans.
    seg : Path
        Tumour segmentation.
    whole : Path
        Mask of the whole tumour, for a segmentation of the core alone: what of it is not core is edema.
    fet, recurrence : Path
        FET-PET, and segmentation of a later recurrence in the space of the scan, in the labels of `seg` (or a mask).
    wm, gm, csf : Path
        Tissue fractions in patient space; with wm and gm given, no registration is needed.
    brain : Path
        Brain mask; otherwise taken from the T1 or the tissue maps.
    labels : "brats", "gliodil" or "gliomasolver"
        Meaning of the segmentation's labels.
    """

    id: str
    t1: Path | None = None
    t1c: Path | None = None
    flair: Path | None = None
    seg: Path | None = None
    whole: Path | None = None
    fet: Path | None = None
    recurrence: Path | None = None
    wm: Path | None = None
    gm: Path | None = None
    csf: Path | None = None
    brain: Path | None = None
    labels: str = "brats"

    def __post_init__(self) -> None:
        for name in FILES:
            value = getattr(self, name)
            object.__setattr__(self, name, Path(value) if value else None)
        if not SAFE_ID.fullmatch(self.id):
            raise InputError(f"patient id '{self.id}' may only have letters, digits, '.', '_' and '-' (no spaces)")
        if self.seg is None:
            raise InputError(f"patient {self.id} has no segmentation (seg)")
        if (self.wm is None) != (self.gm is None) or (self.csf and not self.wm):
            raise InputError(f"patient {self.id} has some tissue maps, but not both wm and gm")
        if self.labels not in LABELLINGS:
            raise InputError(f"patient {self.id}: unknown labels '{self.labels}'; choose {', '.join(LABELLINGS)}")

    @property
    def files(self) -> dict[str, Path]:
        """The files it has, by column."""
        return {name: getattr(self, name) for name in FILES if getattr(self, name) is not None}

    @property
    def anatomy(self) -> str:
        """Where its tissue comes from: "maps" (its own), "registration" (by T1 or T1c) or "atlas" (unregistered)."""
        return "maps" if self.wm else "registration" if self.t1 or self.t1c else "atlas"

    @property
    def scan(self) -> Path:
        """The image to draw results on: T1c, else T1, FLAIR or whatever there is."""
        shown = self.t1c or self.t1 or self.flair or self.fet or self.seg
        assert shown  # a patient without a segmentation is refused
        return shown

    def to_dict(self) -> dict[str, str]:
        """Names and paths as text, without what it lacks."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


COLUMNS = tuple(field.name for field in fields(Patient))


def read_sample_sheet(
    path: str | Path, root: str | Path | None = None, made: tuple[str, ...] = ("results/",)
) -> list[Patient]:
    """
    Read and check config/patients.tsv.

    Parameters
    ----------
    path : path
        Tab-separated, with a header; empty lines and lines that start with # are passed over.
    root : path, optional
        Where relative paths are looked for when they are not under the working directory.
    made : tuple of str
        Files under these folders are made by the pipeline itself and need not exist yet.

    Raises
    ------
    InputError
        Naming the sheet, the line and what is wrong with it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    rows = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not rows:
        raise InputError(f"{path}: has no header; the first line names the columns {', '.join(REQUIRED)}")
    header = [name.strip() for name in rows[0][1].split("\t")]
    _check_header(path, header)
    patients: list[Patient] = []
    for number, line in rows[1:]:
        where = f"{path}, line {number}"
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter="\t"))]
        if len(cells) > len(header):
            raise InputError(f"{where}: has {len(cells)} cells, but the header has {len(header)}")
        values = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
        if "id" not in values:
            raise InputError(f"{where}: the id is empty")
        try:
            columns: dict[str, Any] = {k: _find(v, root, made) if k in FILES else v for k, v in values.items()}
            patient = Patient(**columns)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        for column, file in patient.files.items():
            if not file.is_file() and not values[column].startswith(made):
                raise InputError(f"{where}: {column} of patient {patient.id}, {file}: no such file")
        if patient.id in (known.id for known in patients):
            raise InputError(f"{where}: patient id {patient.id} is already in use")
        patients.append(patient)
    return patients


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        hint = "" if len(header) > 1 else " (is it tab-separated?)"
        raise InputError(f"{path}: the column {missing[0]} is missing{hint}")
    for name in header:
        if name not in COLUMNS:
            raise InputError(f"{path}: unknown column '{name}'; there are: {', '.join(COLUMNS)}")
        if header.count(name) > 1:
            raise InputError(f"{path}: the column {name} is there twice")


def _find(path: str, root: str | Path | None, made: tuple[str, ...]) -> Path:
    given = Path(path).expanduser()
    here = given.is_absolute() or given.exists() or path.startswith(made)
    return given if root is None or here else Path(root) / given


def discover_brats(folder: str | Path) -> tuple[list[Patient], list[str]]:
    """
    Find the cases in a folder of BraTS data, one folder per case.

    BraTS 2018–2020 (`ID/ID_t1.nii.gz`, `_t1ce`, `_flair`, `_seg`), BraTS 2021–2023 (`ID/ID-t1n.nii.gz`, `-t1c`,
    `-t2f`, `-seg`) and plain names (`ID/t1n.nii.gz`, …); .nii or .nii.gz; fet, recurrence, wm, gm, csf and a brain
    mask are taken along, as is GliomaSolver's example (WM, GM, tumT1c, tumFLAIR, tumPET), which gets its own labels.
    Cases may lie one level deeper, as in BraTS 2018 (HGG/ID/…).

    Returns
    -------
    patients : list of Patient
        Sorted by id.
    warnings : list of str
        A sentence for each folder passed over, and each case taken with a reservation.

    Raises
    ------
    InputError
        If the folder does not exist or has no case, or a case's name cannot be an id.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    patients: list[Patient] = []
    warnings: list[str] = []
    for case in _case_folders(folder, warnings):
        files = _case_files(case)
        if "seg" not in files:
            warnings.append(f"{case}: passed over, as it has no segmentation (seg)")
            continue
        if "wm" not in files or "gm" not in files:
            files = {k: v for k, v in files.items() if k not in ("wm", "gm", "csf")}
        if "t1" not in files and "wm" not in files:
            if "t1c" not in files and not in_atlas_space(files["seg"]):
                warnings.append(f"{case}: passed over, as it has no T1 (t1n, t1)")
                continue
            instead = "the atlas will be registered to its T1c" if "t1c" in files else "its tissue is the raw atlas"
            warnings.append(f"{case}: has no T1 (t1n, t1); {instead}")
        labels = "gliomasolver" if "tumt1c" in files["seg"].name.lower() else "brats"
        try:
            patient = Patient(case.name, labels=labels, **files)
        except InputError as error:
            raise InputError(f"{case}: {error}") from None
        if patient.id in (known.id for known in patients):
            raise InputError(f"{case}: another folder of {folder} has the same name")
        patients.append(patient)
    if not patients:
        fault = f" ({warnings[0]})" if warnings else ""
        raise InputError(
            f"{folder}: holds no BraTS case; a case is a folder with, e.g., t1n.nii.gz and seg.nii.gz{fault}"
        )
    return sorted(patients, key=lambda patient: patient.id), warnings


def _case_folders(folder: Path, warnings: list[str], depth: int = 2) -> list[Path]:
    """Folders that hold files of a case; others are looked into, then passed over with a warning."""
    cases = []
    for child in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
        if _case_files(child):
            cases.append(child)
            continue
        deeper = _case_folders(child, [], depth - 1) if depth > 1 else []
        if not deeper:
            warnings.append(f"{child}: passed over, as it holds no scan with a known name")
        cases += deeper
    return cases


def _case_files(case: Path) -> dict[str, Path]:
    """The files of a case by column, as far as their names are known."""
    names = {path.name.lower(): path for path in sorted(case.iterdir()) if path.is_file()}
    prefix = case.name.lower()
    found = {}
    for column, suffixes in SUFFIXES.items():
        stems = [start + suffix for suffix in suffixes for start in (f"{prefix}_", f"{prefix}-", "")]
        for name in (stem + end for stem in stems for end in (".nii.gz", ".nii")):
            if name in names:
                found[column] = names[name]
                break
    for column in CONTAINED:
        named = [path for name, path in names.items() if column in name and name.endswith((".nii.gz", ".nii"))]
        if column not in found and len(named) == 1:
            found[column] = named[0]
    return found


def in_atlas_space(path: str | Path) -> bool:
    """Whether an image fills SRI24's box of space (240×240×155 mm, which BraTS shares), in any orientation."""
    try:
        image: Any = nib.load(path)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as NIfTI ({type(error).__name__}: {error})") from error
    if len(image.shape) < 3:
        return False
    corners = np.array(np.meshgrid(*[[-0.5, n - 0.5] for n in image.shape[:3]], indexing="ij")).reshape(3, -1).T
    world = nib.affines.apply_affine(image.affine, corners)
    box = np.array([world.min(0), world.max(0)])
    return bool(np.allclose(box, [[-239.5, -0.5, -0.5], [0.5, 239.5, 154.5]], atol=0.5))
