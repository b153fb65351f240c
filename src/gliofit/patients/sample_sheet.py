"""
A patient's files and the sample sheet that names them.

Nothing here opens an image, so that a mistake shows before any job is planned.
"""

from __future__ import annotations

import csv
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, user_path
from gliofit.observation.labels import labelling

REQUIRED = ("id", "t1", "t1c", "flair", "seg")
"""Columns that a sheet must have; cells under t1, t1c and flair may be empty."""

FILES = ("t1", "t1c", "flair", "seg", "whole", "fet", "recurrence", "followup", "wm", "gm", "csf", "brain")

NOTHING = ("", "n/a", "na")
"""Cells that are empty: BIDS and R say so."""

LONGEST_ID = 100
"""Letters; names of files grow from ids, and 255 is what file systems take."""

FOLDERS = ("t1", "t1c", "flair", "fet", "followup")
"""Columns that may name a folder, of a DICOM series."""

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""An id is a folder name, a wildcard and a table cell."""


@dataclass(frozen=True)
class Patient:
    """
    One row of the sample sheet. Paths are None where a cell is empty.

    Parameters
    ----------
    id : str
    t1, t1c, flair : Path
        Skull-stripped scans; raw ones (`gliofit.patients.raw`) may be folders of DICOM, unstripped, on other grids.
    seg : Path
        Tumour segmentation; None only with `segment`.
    whole : Path
        Mask of the whole tumour, for a segmentation of the core alone: what of it is not core is edema.
    fet, recurrence : Path
        FET-PET, and segmentation of a later recurrence in the space of the scan, in the labels of `seg` (or a mask).
    followup : Path
        Later scan that `recurrence` was drawn on, to be registered to the T1c.
    wm, gm, csf : Path
        Tissue fractions in patient space; with wm and gm given, no registration is needed.
    brain : Path
        Brain mask; otherwise taken from the T1 or the tissue maps.
    labels : str
        Meaning of the labels of `seg` and `recurrence`: a name of `gliofit.observation.labels.LABELLINGS`, or spelled
        out ("edema=1,core=2").
    raw : str
        "yes" for scans that have yet to be brought to the T1c's grid and stripped; "" for those that are ready.
    segment : str
        Command that segments the tumour where `seg` is None, see `gliofit.patients.raw.segmenting`.
    origin : Path
        JSON of what was done to raw scans, for a row whose files were made of them.
    notes : tuple of str
        What was inferred or left aside in finding the files: sentences that go with the patient's warnings.
    """

    id: str
    t1: Path | None = None
    t1c: Path | None = None
    flair: Path | None = None
    seg: Path | None = None
    whole: Path | None = None
    fet: Path | None = None
    recurrence: Path | None = None
    followup: Path | None = None
    wm: Path | None = None
    gm: Path | None = None
    csf: Path | None = None
    brain: Path | None = None
    labels: str = "brats"
    raw: str = ""
    segment: str = ""
    origin: Path | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (*FILES, "origin"):
            value = getattr(self, name)
            object.__setattr__(self, name, Path(value) if value else None)
        if not SAFE_ID.fullmatch(self.id):
            raise InputError(f"patient id '{self.id}' may only have letters, digits, '.', '_' and '-' (no spaces)")
        if len(self.id) > LONGEST_ID:
            raise InputError(f"patient id '{self.id[:20]}…' has {len(self.id)} letters; {LONGEST_ID} at most")
        object.__setattr__(self, "raw", self.raw.lower())  # spreadsheets like capitals
        if self.raw not in ("yes", "no", ""):
            raise InputError(f"patient {self.id}: raw is '{self.raw}', neither yes nor no")
        if self.seg is None and not self.segment:
            raise InputError(f"patient {self.id} has no segmentation (seg)")
        if (self.wm is None) != (self.gm is None) or (self.csf and not self.wm):
            raise InputError(f"patient {self.id} has some tissue maps, but not both wm and gm")
        object.__setattr__(self, "notes", tuple(self.notes))
        try:
            labelling(self.labels)
        except InputError as error:
            raise InputError(f"patient {self.id}: {error}") from None

    @property
    def files(self) -> dict[str, Path]:
        """The files it has, by column."""
        return {name: getattr(self, name) for name in FILES if getattr(self, name) is not None}

    @property
    def outline(self) -> Path | None:
        """The file that says how far the tumour reaches: `whole`, else `seg`."""
        return self.whole or self.seg

    @property
    def anatomy(self) -> str:
        """Where its tissue comes from: "maps" (its own), "registration" (by T1 or T1c) or "atlas" (unregistered)."""
        return "maps" if self.wm else "registration" if self.t1 or self.t1c else "atlas"

    @property
    def scan(self) -> Path:
        """The image to draw results on: T1c, else T1, FLAIR or whatever there is."""
        shown = self.t1c or self.t1 or self.flair or self.fet or self.seg
        assert shown  # a patient without a segmentation is refused, or has scans to segment
        return shown

    @property
    def roles(self) -> str:
        """One line that says what each file is taken for."""
        named = ", ".join(f"{role} = {path.name}" for role, path in self.files.items())
        return f"patient {self.id}: {named}; labels '{self.labels}'"

    def to_dict(self) -> dict[str, str | list[str]]:
        """Names and paths as text and notes as a list, without what it lacks."""
        values = {name: value for name, value in asdict(self).items() if value not in (None, (), "")}
        return {name: list(value) if name == "notes" else str(value) for name, value in values.items()}


COLUMNS = tuple(field.name for field in fields(Patient) if field.name not in ("segment", "origin", "notes"))


def read_sample_sheet(
    path: str | Path, root: str | Path | None = None, made: tuple[str, ...] = ("results/",), segment: str = ""
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
    segment : str
        Command that segments patients without a segmentation.

    Raises
    ------
    InputError
        Naming the sheet, the line and what is wrong with it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    lines = _text(path).splitlines()
    rows = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not rows:
        raise InputError(f"{path}: has no header; the first line names the columns {', '.join(REQUIRED)}")
    header = [name.lower() for name in _cells(rows[0][1], f"{path}, line {rows[0][0]}")]
    while header and not header[-1]:  # spreadsheets end lines with the tabs of empty columns
        header.pop()
    _check_header(path, header)
    patients: list[Patient] = []
    for number, line in rows[1:]:
        where = f"{path}, line {number}"
        cells = _cells(line, where)
        while len(cells) > len(header) and not cells[-1]:
            cells.pop()
        if not any(cells):
            continue
        if len(cells) > len(header):
            raise InputError(f"{where}: has {len(cells)} cells, but the header has {len(header)}")
        values = {name: cell for name, cell in zip(header, cells, strict=False) if cell.lower() not in NOTHING}
        if "id" not in values:
            raise InputError(f"{where}: the id is empty")
        try:
            columns: dict[str, Any] = {k: _find(v, root, made) if k in FILES else v for k, v in values.items()}
            patient = Patient(**columns, segment="" if columns.get("seg") else segment)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        for column, file in patient.files.items():
            there = file.is_file() or (column in FOLDERS and file.is_dir())
            if not there and not values[column].startswith(made):
                raise InputError(f"{where}: {column} of patient {patient.id}, {file}: {no_such_file(file)}")
        if patient.id in (known.id for known in patients):
            raise InputError(f"{where}: patient id {patient.id} is already in use")
        patients.append(patient)
    return patients


def _cells(line: str, where: str) -> list[str]:
    """Cells of a line, without the quotes that spreadsheets put around them."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter="\t", strict=True))]
    except csv.Error:
        raise InputError(f'{where}: has a quotation mark (") that is not closed, or is within a cell') from None


def _text(path: Path) -> str:
    """A sheet's text: UTF-8, or what spreadsheets write (UTF-16 with its mark, Windows-1252)."""
    content = path.read_bytes()
    encodings = ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{path}: is no text in UTF-8; save it as tab-separated text in UTF-8")


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
    given = user_path(path)
    here = given.is_absolute() or given.exists() or path.startswith(made)
    return given if root is None or here else Path(root) / given
