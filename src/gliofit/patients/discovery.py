"""Patients in a folder: which folders are cases, and which file of a case is what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError
from gliofit.base.files import user_path
from gliofit.patients.headers import in_atlas_space
from gliofit.patients.layouts import (
    ARCHIVE,
    BIDS,
    BIDS_EXAMPLE,
    EXTRAS,
    IMAGE,
    LAYOUTS,
    NOT_READ,
    OTHER_TUMOURS,
    TIME_POINT,
    UNUSED,
    Layout,
    bids_role,
)
from gliofit.patients.sample_sheet import LONGEST_ID, Patient


@dataclass
class Found:
    """Files of one case."""

    files: dict[str, Path]
    labels: str
    notes: list[str] = field(default_factory=list)
    fault: str = ""


@dataclass
class Discovery:
    """
    What a folder holds.

    Parameters
    ----------
    patients : list of Patient
        Sorted by id.
    warnings : list of str
        A sentence for each folder passed over.
    refused : dict of id → str
        Cases whose files cannot be told apart, or whose name cannot be an id, and why.
    """

    patients: list[Patient] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def discover(folder: str | Path, labels: str | None = None) -> Discovery:
    """
    Find the patients in a folder.

    Cases may lie up to four folders deep (HGG/ID, patient/time point, BIDS), and `folder` may be one itself. Where
    two cases have the same name, the name of the folder above is put before it.

    Parameters
    ----------
    folder : path
    labels : str, optional
        Labelling of all segmentations; otherwise that of the layout.

    Raises
    ------
    InputError
        If the folder does not exist or has no case.
    """
    folder = user_path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: {'is a file; a folder is needed' if folder.exists() else 'no such folder'}")
    result = Discovery()
    warnings = result.warnings
    cases: dict[Path, Found] = {}
    for case, found in _cases(folder):
        if found is None:
            warnings.append(f"{case}: passed over, as it holds no scan with a known name")
        elif found.fault or _usable(case, found, warnings):
            cases[case] = found
    if not cases:
        packed = [path.name for path in sorted(folder.iterdir()) if path.name.lower().endswith(ARCHIVE)]
        fault = f" ({warnings[0]})" if warnings else f" (unpack {packed[0]} first)" if packed else ""
        examples = "; ".join(f"{layout.name}: {layout.example}" for layout in LAYOUTS)
        raise InputError(
            f"{folder}: holds no case{fault}; a case is a folder with scans and a segmentation by the exact names of "
            f"one of these (.nii.gz or .nii) – {examples}; BIDS derivatives: {BIDS_EXAMPLE}"
        )
    for case, own in _ids(list(cases), folder).items():
        found = cases[case]
        try:
            if found.fault:
                raise InputError(found.fault)
            files: dict[str, Any] = {**found.files}
            patient = Patient(own, labels=labels or found.labels, notes=tuple(found.notes), **files)
        except InputError as error:
            name = stem = re.sub(r"[^A-Za-z0-9._-]", "_", own).lstrip("._-")[:LONGEST_ID] or "unnamed"
            known = {patient.id for patient in result.patients} | set(result.refused)
            others = (f"{stem}_{number}" for number in count(2))
            while name in known:  # a fault must not hide another's
                name = next(others)
            result.refused[name] = f"{case}: {error}"
        else:
            result.patients.append(patient)
    result.patients.sort(key=lambda patient: patient.id)
    return result


def _ids(cases: list[Path], folder: Path) -> dict[Path, str]:
    """Ids of cases: the folder's name, with those above it where that is not enough."""
    ids = {}
    for case in cases:
        for depth in range(1, 4):
            own = _name(case, depth, folder)
            if sum(_name(other, depth, folder) == own for other in cases) == 1:
                break
        else:
            raise InputError(f"{case}: another folder of {folder} has the same name")
        ids[case] = own
    return ids


def _name(case: Path, depth: int, folder: Path) -> str:
    parts = case.resolve().parts if case == folder else case.relative_to(folder).parts
    if case == folder:
        depth = 1
    elif TIME_POINT.fullmatch(parts[-1]):  # which is not a patient
        depth += 1
    joined = "_".join(part for part in parts[-depth:] if part != "anat")
    return re.sub(r"_nifti$", "", joined)


def _usable(case: Path, found: Found, warnings: list[str]) -> bool:
    """Whether a case has what it needs; otherwise a sentence says why not. Its files are completed or cut down."""
    files = found.files
    if OTHER_TUMOURS.match(case.name):
        warnings.append(f"{case}: passed over, as BraTS-MEN and -MET show meningioma and metastases, no glioma")
        return False
    if "seg" not in files:
        warnings.append(f"{case}: passed over, as it has no segmentation (seg){_unread(case)}")
        return False
    if ("wm" in files) != ("gm" in files) or ("csf" in files and "wm" not in files):
        alone = [files.pop(name).name for name in ("wm", "gm", "csf") if name in files]
        found.notes.append(f"{case}: {', '.join(alone)} left aside, as wm and gm belong together")
    if "t1" not in files and "wm" not in files:
        if "t1c" not in files and (not files["seg"].is_file() or not in_atlas_space(files["seg"])):
            warnings.append(f"{case}: passed over, as it has no T1 (t1n, t1) and no T1c{_unread(case)}")
            return False
        instead = "the atlas will be registered to its T1c" if "t1c" in files else "its tissue is the raw atlas"
        found.notes.append(f"{case}: has no T1 (t1n, t1); {instead}")
    return True


def _unread(case: Path) -> str:
    """Images that have known names, but are in formats that are not read, for a sentence; "" without any."""
    known = {name for layout in LAYOUTS for names in layout.roles.values() for name in names}
    known |= {name for names in EXTRAS.values() for name in names}
    stems = {start + name for start in _starts(case, case.name.lower()) for name in known}
    names = [
        path.name
        for name, paths in _entries(case).items()
        if (end := next((end for end in NOT_READ if name.endswith(end)), None))
        and (name.removesuffix(end) in stems or name.endswith(".seg.nrrd"))
        for path in paths
    ]
    return f"; {', '.join(names)} must be converted to NIfTI first" if names else ""


def _cases(folder: Path, depth: int = 4) -> Iterator[tuple[Path, Found | None]]:
    """Folders that hold files of a case, and those beside them that hold none; `folder` itself first."""
    found = _case(folder)
    if found is not None:
        yield folder, found
        return
    children = (p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    # a link to a folder above would show its cases twice
    for child in sorted(p for p in children if not folder.resolve().is_relative_to(p.resolve())):
        if child.name.lower() in ("images_segm", "automated_segm"):
            continue  # UPENN-GBM's segmentations belong to the cases beside them
        own = _case(child)
        deeper = list(_cases(child, depth - 1)) if own is None and depth > 1 else []
        if own is None and any(found is not None for _, found in deeper):
            yield from deeper
        else:
            yield child, own


def _case(case: Path) -> Found | None:
    """`_files`, with an ambiguity as the case's fault."""
    try:
        return _files(case)
    except InputError as error:
        return Found({}, "brats", fault=str(error))


def _files(case: Path) -> Found | None:
    """The files of a case by role, as far as their names are known; None if there is no scan or segmentation."""
    name = re.sub(r"_nifti$", "", case.name.lower())
    for layout in LAYOUTS:
        if layout.cases and not re.fullmatch(layout.cases, name):
            continue
        prefix = name.removeprefix(layout.before)
        if not any(
            _named(case, prefix, layout.roles[role])
            for role in layout.roles
            if role in ("t1", "t1c") or (not layout.scans and role in ("seg", "flair"))
        ):
            continue
        files = _pick(case, prefix, layout.roles | (EXTRAS if layout.extras else {}))
        return _with_notes(case, Found(files, layout.labels), layout)
    return _bids(case)


def _pick(case: Path, prefix: str, roles: dict[str, tuple[str, ...]]) -> dict[str, Path]:
    files = {}
    for role, names in roles.items():
        there = _named(case, prefix, names)
        if len(there) > 1:
            raise InputError(_ambiguous(role, there))
        if there:
            files[role] = there[0]
    return files


def _named(case: Path, prefix: str, names: tuple[str, ...]) -> list[Path]:
    """Files of a case by these names, links to nothing included: those are reported, not passed over."""
    there = []
    for name in names:
        place, _, stem = name.format(case=prefix).rpartition("/")
        entries = _entries(case / place) if place else _entries(case)
        for start in _starts(case, prefix) if "{case}" not in name else ("",):
            there += [p for end in IMAGE for p in entries.get(f"{start}{stem}{end}".lower(), [])]
    return list(dict.fromkeys(there))


def _starts(case: Path, prefix: str) -> list[str]:
    """What may stand before a role in a file's name: nothing, the folder's name, the patient's, or both."""
    above = case.parent.name.lower()
    names = [prefix]
    if TIME_POINT.fullmatch(case.name):
        names += [above, *(f"{above}{by}{prefix}" for by in "_-")]
    return ["", *(f"{name}{by}" for name in names for by in "_-")]


def _entries(folder: Path) -> dict[str, list[Path]]:
    """Files of a folder by name in lower case, without those that systems hide ("._t1.nii.gz")."""
    entries: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (path.is_symlink() or path.is_file()) and not path.name.startswith("."):
            entries.setdefault(path.name.lower(), []).append(path)
    return entries


def _with_notes(case: Path, found: Found, layout: Layout) -> Found:
    """Note a makeshift segmentation, and the images whose names say nothing to this program."""
    approximate = found.files.pop("approximate", None)
    if approximate and "seg" not in found.files:
        found.files["seg"] = approximate
        found.notes.append(f"{approximate}: is an automatic segmentation that nobody has corrected")
    used = set(found.files.values()) | {approximate}
    others = [p.name for name, all_ in _entries(case).items() if name.endswith(IMAGE) for p in all_ if p not in used]
    others = [name for name in others if not UNUSED.search(name.lower().removesuffix(".gz").removesuffix(".nii"))]
    if unread := _unread(case):
        found.notes.append(f"{case}: not all is NIfTI{unread}")
    if others and layout.extras:
        found.notes.append(f"{case}: {', '.join(others)} not used, as the name is none that is known")
    return found


def _bids(case: Path) -> Found | None:
    """A subject or session of BIDS (raw or derivatives): roles by suffix and entities."""
    roles: dict[str, list[Path]] = {}
    unused = []
    for place in (case / "anat", case / "pet"):
        for name, path in ((name, path) for name, paths in _entries(place).items() for path in paths):
            stem = name.removesuffix(".gz").removesuffix(".nii")
            match = BIDS.fullmatch(stem)
            if not name.endswith(IMAGE) or match is None:
                continue
            role = bids_role(dict(e.split("-", 1) for e in match["entities"].strip("_").split("_")), match["suffix"])
            if role:
                roles.setdefault(role, []).append(path)
            elif match["suffix"] not in ("t2w",):
                unused.append(path.name)
    if not roles:
        return None
    notes = []
    unsaid = roles.pop("dseg", [])
    if unsaid and "seg" in roles:
        unused += [path.name for path in unsaid]
    elif unsaid:
        roles["seg"] = unsaid
        notes.append(f"{unsaid[0]}: is taken as the tumour's segmentation, though its name does not say of what it is")
    for role, paths in roles.items():
        if len(paths) > 1:
            raise InputError(_ambiguous(role, paths))
    if unused:
        notes.append(f"{case}: {', '.join(unused)} not used, as the name is none that is known")
    return Found({role: paths[0] for role, paths in roles.items()}, "brats", notes)


def _ambiguous(role: str, paths: list[Path]) -> str:
    names = " and ".join(path.name for path in paths)
    return f"{names} could both be its {role}; keep one of them, or name the files in the sample sheet"
