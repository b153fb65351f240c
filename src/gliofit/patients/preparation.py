"""From a patient's scans to what a growth model needs: tissue and tumour masks in the patient's own space."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.registration import Settings, load_settings, register
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import read_json, write_text
from gliofit.base.nifti import Volume, save_volume
from gliofit.base.overlap import dice
from gliofit.base.threads import in_threads
from gliofit.patients import dicom_series
from gliofit.patients.agreement import GOOD, tissue_agreement
from gliofit.patients.contents import darker_white
from gliofit.patients.sample_sheet import Patient
from gliofit.patients.scan_set import Scans
from gliofit.patients.scans import load_scans

GOOD_DICE = 0.95
"""A registration whose brains overlap less deserves a look."""

MOSTLY_FLUID = 0.8
"""Share of the core in CSF that deserves a look; the four shared patients with a T1 have 0.02 to 0.14."""

TUMOUR_TISSUE = ("core", "csf", "keep")
"""What becomes white matter within the tumour; see `prepare_patient`."""

PREPARED = ("wm", "gm", "csf", "seg", "core", "whole", "brain")
"""Volumes that `prepare_patient` writes, each NAME.nii.gz; prepared.json comes last."""

EARLY = {"seg": "labels", "core": "core", "whole": "whole"}
"""Those that no registration changes, and what of the scans they are."""

SHOWS = {
    "wm": "fraction of white matter",
    "gm": "fraction of grey matter",
    "csf": "fraction of cerebrospinal fluid",
    "seg": "1 necrotic 2 edema 3 enhancing 4 resection cavity",
    "core": "tumour core",
    "whole": "whole tumour",
}
"""What their headers say of them."""


def prepare_patient(
    patient: Patient,
    anatomy: Anatomy,
    settings: str | Path | Settings,
    folder: str | Path,
    threads: int = 1,
    tumour_tissue: str = "core",
    scans: Scans | None = None,
) -> dict:
    """
    Check a patient's scans, bring tissue maps into the patient's space and write all that an inversion needs.

    Tissue comes from the patient's own maps if wm and gm are given, else from the atlas registered to the T1 (or T1c),
    else – only for scans in the atlas's own space – from the atlas as it is.

    Parameters
    ----------
    patient : Patient
    anatomy : Anatomy
        The atlas.
    settings : str or Settings
        Of the registration: "greedy", "fast", "precise" or a JSON file.
    folder : path
        Gets wm, gm, csf (fractions), seg (1 necrotic, 2 edema, 3 enhancing, 4 resection cavity), core, whole and brain
        (uint8 masks), all .nii.gz on the scan's own grid, `registration/` with the transforms, and at last
        prepared.json.
    threads : int
    tumour_tissue : "core", "csf" or "keep"
        What the maps say within the tumour is what the atlas has in its place, a ventricle or sulcus that the tumour
        has pushed aside included. "core" takes the whole core as white matter, and CSF in the rest of the tumour;
        "csf" only the CSF, so that it does not block growth; "keep" leaves the maps as they are.
    scans : Scans, optional
        The patient's, if they have been read and checked before.

    Returns
    -------
    dict
        As in prepared.json: brain Dice, agreement of atlas and scan inside the brain, the registration's tool and
        smallest Jacobian, volumes in ml, share of core that was CSF, warnings, seconds.

    Raises
    ------
    InputError
        On bad scans (see `load_scans`), before the registration starts.
    """
    started = time.perf_counter()
    if tumour_tissue not in TUMOUR_TISSUE:
        raise InputError(f"tumour_tissue = '{tumour_tissue}' is unknown; choose {', '.join(TUMOUR_TISSUE)}")
    settings = settings if isinstance(settings, Settings) else load_settings(settings)
    scans = load_scans(patient, threads) if scans is None else scans
    folder = Path(folder)
    (folder / "prepared.json").unlink(missing_ok=True)

    shape, affine = scans.shape, scans.affine
    scans, box = scans.around()

    def write(name: str, data: Array) -> None:
        kind = "mask" if data.dtype == bool else "label" if name == "seg" else "fraction"
        whole = np.zeros(shape, np.uint8 if kind == "mask" else data.dtype, order="F")  # as files have it
        whole[box] = data
        save_volume(folder / f"{name}.nii.gz", whole, affine, kind, SHOWS.get(name, ""))

    with ThreadPoolExecutor(1) as beside:  # a registration waits for its tool
        masks = [beside.submit(write, name, getattr(scans, EARLY[name])) for name in EARLY]
        maps, scores = _tissue_maps(scans, anatomy, settings, folder, threads)
        for mask in masks:
            mask.result()
    lost = float(maps[2][scans.core].mean()) if scans.core.any() else 0.0
    if lost > MOSTLY_FLUID:
        scans.warnings.append(
            f"patient {patient.id}: {lost:.0%} of the tumour core lies where the tissue maps have CSF: is it in a "
            "ventricle, or are scan and maps apart? Look at the outlines of tissue in the pictures"
        )
    # a resection cavity is no tissue: no cells, no growth, no flux into it
    maps = fill(maps, scans.brain & ~scans.cavity, scans.whole, scans.core, tumour_tissue)
    report = {
        "patient": patient.to_dict(),
        "tissue": patient.anatomy,
        **scores,
        "volumes_ml": _volumes(scans, maps),
        "tumour_tissue": tumour_tissue,
        "core_csf_before": lost,
        "warnings": scans.warnings,
    }
    (folder / dicom_series.FILE).unlink(missing_ok=True)
    if patient.origin:
        report["origin"] = read_json(patient.origin)
        series = patient.origin.with_name(dicom_series.FILE)
        if series.is_file():
            dicom_series.DicomSeries.load(series).save(folder / dicom_series.FILE)
    volumes = dict(zip(("wm", "gm", "csf"), maps, strict=True)) | {"brain": scans.brain}
    in_threads(lambda name: write(name, volumes[name]), volumes, threads)
    report["seconds"] = round(time.perf_counter() - started, 1)
    write_text(folder / "prepared.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return report


def _tissue_maps(
    scans: Scans, anatomy: Anatomy, settings: Settings, folder: Path, threads: int
) -> tuple[list[Array], dict]:
    """
    WM, GM and CSF on the scan's grid, and how well they lie.

    The Dice of their brain with the patient's is None for own maps, their agreement inside it and the registration are
    None without one.
    """
    source, atlas = scans.patient.anatomy, anatomy.tissue
    volumes = [Volume(m, atlas.affine) for m in (atlas.wm, atlas.gm, atlas.csf)]
    scores: dict = {"brain_dice": None, "tissue_agreement": None, "registration": None}
    tumour = scans.whole | scans.cavity
    if source == "maps":
        maps = _own_maps(scans)
        _score_agreement(scans, maps, tumour, scores)
        return maps, scores
    if source == "registration":
        found = register(scans.t1, scans.brain, tumour, anatomy, settings, folder / "registration", threads)
        maps = found.to_patient(volumes, scans.shape, scans.affine)
        smallest = found.smallest_jacobian(Volume(scans.brain, scans.affine))
        scores["registration"] = {"tool": found.tool, "smallest_jacobian": round(smallest, 3)}
        if smallest <= 0:
            scans.warnings.append(
                f"patient {scans.patient.id}: the registration folds the atlas in the brain "
                f"(smallest Jacobian {smallest:.2g}): look at the outlines of tissue in the pictures"
            )
    else:
        scans.warnings.append(f"patient {scans.patient.id} has no T1: the atlas is used as it is, unregistered")
        maps = [grids.resample(v.data, v.affine, scans.shape, scans.affine) for v in volumes]
    warped = sum(maps[1:], maps[0]) >= 0.5
    if not scans.known:
        scans.brain = warped | tumour
    scores["brain_dice"] = overlap = dice(warped, scans.brain)
    if overlap < GOOD_DICE:
        scans.warnings.append(f"patient {scans.patient.id}: brain Dice with the atlas is only {overlap:.3f}")
    if source == "registration":
        _score_agreement(scans, maps, tumour, scores)
    return maps, scores


def _score_agreement(scans: Scans, maps: list[Array], tumour: Array, scores: dict) -> None:
    """How much of the T1's (T1c's) variance inside the brain the maps explain, with a warning where it is little."""
    if not {"t1", "t1c"} & set(scans.images):
        return
    where = scans.patient.anatomy
    rest = scans.brain & ~tumour
    box = grids.box_of(scans.brain)
    white, grey = maps[0][box], maps[1][box]
    if where == "registration" and "t1" in scans.images and darker_white(scans.t1.data[box], white, grey, rest[box]):
        scans.warnings.append(
            f"{scans.patient.t1}: is darker where the atlas has white matter than where it has grey, as no T1 of an "
            "adult is: is it inverted, or another sequence?"
        )
    agreement = tissue_agreement(scans.t1.data, maps, scans.brain, tumour, grids.spacing_of(scans.affine))
    scores["tissue_agreement"] = None if np.isnan(agreement) else round(agreement, 4)
    if agreement < GOOD:
        what = "the tissue maps do" if where == "maps" else "the atlas does"
        scans.warnings.append(
            f"patient {scans.patient.id}: inside the brain {what} not lie on the scan (explaining {agreement:.2f} of "
            f"its variance; {GOOD} and more is usual): look at the outlines of tissue in the pictures, and whether "
            "front and back, top and bottom of the scan are what its header says"
        )


def _own_maps(scans: Scans) -> list[Array]:
    """The patient's tissue maps; CSF is the rest of the brain if it is not given."""
    maps: list[Array] = []
    for name in ("wm", "gm", "csf"):
        data = scans.images.get(name)
        if data is None:
            data = np.where(scans.brain, np.clip(1 - maps[0] - maps[1], 0, 1), 0)
        maps.append(data)
    return maps


def fill(maps: list[Array], brain: Array, whole: Array, core: Array, tumour_tissue: str = "core") -> list[Array]:
    """
    Tissue fractions that add up to 1 everywhere in the brain and to 0 outside.

    What the maps leave open in the brain (a rim where atlas and patient differ) becomes CSF; in the tumour it becomes
    white matter, as does what `tumour_tissue` says (see `prepare_patient`).

    Parameters
    ----------
    maps : list of ndarray [x, y, z]
        WM, GM and CSF.
    brain, whole, core : ndarray of bool [x, y, z]
    tumour_tissue : "core", "csf" or "keep"
    """
    box = grids.box_of(brain)
    filled = [np.zeros_like(brain, np.float32) for _ in maps]
    maps, brain, whole, core = [m[box] for m in maps], brain[box], whole[box], core[box]
    wm, gm, csf = (np.where(brain, np.clip(m, 0, 1), 0).astype(np.float32) for m in maps)
    total = np.maximum(wm + gm + csf, 1)
    wm, gm, csf = wm / total, gm / total, csf / total
    rest = np.where(brain, np.clip(1 - wm - gm - csf, 0, 1), 0).astype(np.float32)
    inside = brain & whole
    wm = wm + np.where(inside, rest, 0)
    csf = csf + np.where(inside, 0, rest)
    if tumour_tissue != "keep":
        wm, csf = np.where(inside, wm + csf, wm), np.where(inside, 0, csf)
    if tumour_tissue == "core":
        wm, gm = np.where(brain & core, wm + gm, wm), np.where(brain & core, 0, gm)
    for full, part in zip(filled, (wm, gm, csf), strict=True):
        full[box] = np.clip(part, 0, 1)
    return filled


def _volumes(scans: Scans, maps: list[Array]) -> dict[str, float]:
    masks = {"brain": scans.brain, "whole": scans.whole, "core": scans.core}
    masks |= {"cavity": scans.cavity} if scans.cavity.any() else {}
    masks |= dict(zip(("wm", "gm", "csf"), maps, strict=True))
    return {name: round(float(m.sum(dtype=np.float64)) * scans.millilitres, 3) for name, m in masks.items()}
