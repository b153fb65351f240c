"""A DICOM series is read with its geometry, or refused in a sentence that names what is wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from dicom_files import axial_lps, oblique_lps, write_series

from gliofit.base.errors import InputError
from gliofit.patients.dicom_headers import read_series
from gliofit.patients.dicom_series import DicomSeries

DATA = np.arange(6 * 5 * 4).reshape(6, 5, 4)


@pytest.mark.parametrize("lps", [axial_lps((0.5, 0.75, 5)), oblique_lps((0.8, 1.2, 3))], ids=["axial", "oblique"])
def test_geometry_is_that_of_the_files(tmp_path, lps):
    write_series(tmp_path / "a", DATA, lps)
    series = read_series(tmp_path / "a")
    assert series.shape == DATA.shape
    np.testing.assert_allclose(series.lps, lps, atol=1e-5)
    np.testing.assert_allclose(series.affine, np.diag([-1, -1, 1, 1]) @ lps, atol=1e-5)
    # the voxels of the file of slice k are those that the affine says
    voxels = [pydicom.dcmread(s.file).pixel_array.T for s in series.slices]
    np.testing.assert_array_equal(np.stack(voxels, 2), DATA)


def test_slices_are_ordered_by_place_whatever_their_names_and_neighbours(tmp_path):
    lps = oblique_lps((1, 1, 2))
    lps[:3, 3] += lps[:3, 2] * 3
    lps[:3, 2] *= -1  # the first file is the highest slice
    write_series(tmp_path / "a", DATA, lps)
    (tmp_path / "a" / "notes.txt").write_text("no DICOM")
    series = read_series(tmp_path / "a")
    assert [s.file.name for s in series.slices] == [f"1-{k:04d}.dcm" for k in (4, 3, 2, 1)]
    assert np.linalg.det(series.lps[:3, :3]) > 0


def test_json_keeps_all_and_no_name(tmp_path):
    write_series(tmp_path / "a", DATA, oblique_lps())
    series = read_series(tmp_path / "a")
    series.save(tmp_path / "series.json")
    assert DicomSeries.load(tmp_path / "series.json") == series
    text = (tmp_path / "series.json").read_text()
    assert not any(word in text for word in ("Nobody", "made-1", "19000101", "20200102"))


def _enhanced(folder: Path, lps: np.ndarray) -> None:
    """One file of many frames, in an order that is not spatial."""
    files = [pydicom.dcmread(p) for p in write_series(folder / "classic", DATA, lps)]
    ds = files[0]
    shared, frames = pydicom.Dataset(), []
    orientation, measures = pydicom.Dataset(), pydicom.Dataset()
    orientation.ImageOrientationPatient, measures.PixelSpacing = ds.ImageOrientationPatient, ds.PixelSpacing
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    for k in (2, 0, 3, 1):
        frame, place = pydicom.Dataset(), pydicom.Dataset()
        place.ImagePositionPatient = files[k].ImagePositionPatient
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    del ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], frames
    (folder / "enhanced").mkdir()
    ds.save_as(folder / "enhanced" / "all.dcm")


def test_frames_of_one_file(tmp_path):
    lps = oblique_lps((1, 1, 2))
    _enhanced(tmp_path, lps)
    series = read_series(tmp_path / "enhanced")
    assert [s.frame for s in series.slices] == [2, 4, 1, 3]
    np.testing.assert_allclose(series.lps, lps, atol=1e-5)
    series.save(tmp_path / "series.json")
    assert DicomSeries.load(tmp_path / "series.json") == series


def _tilted() -> np.ndarray:
    lps = axial_lps((1, 1, 3))
    lps[1, 2] = 3 * np.tan(np.radians(12))
    return lps


def _change(path: Path, **tags) -> None:
    ds = pydicom.dcmread(path)
    for name, value in tags.items():
        setattr(ds, name, value)
    ds.save_as(path)


FAULTS = {
    "missing slice": (lambda f: (f / "1-0002.dcm").unlink(), "not equally spaced: 4 mm between 1-0001.dcm and 1-0003"),
    "a slice twice": (
        lambda f: shutil.copy(f / "1-0002.dcm", f / "copy.dcm"),
        "5 images at 4 positions.*a slice twice",
    ),
    "echoes": (
        lambda f: write_series(
            f, DATA, axial_lps((1, 1, 2)), 2, EchoTime="40", SeriesInstanceUID="1.2.826.0.1.3680043.8.498.1.1.1"
        ),
        "8 images at 4 positions.*several echoes",
    ),
    "two series": (lambda f: write_series(f, DATA, axial_lps(), 2), r"holds 2 series.*series 1 \(4 files\), series 2"),
    "another size": (lambda f: _change(f / "1-0003.dcm", Rows=4), "1-0003.dcm: Rows differs"),
    "localiser": (
        lambda f: _change(f / "1-0003.dcm", ImageOrientationPatient=[0, 1, 0, 0, 0, -1]),
        "1-0003.dcm: ImageOrientationPatient differs",
    ),
    "no place": (
        lambda f: _change(f / "1-0003.dcm", ImagePositionPatient=None),
        "1-0003.dcm: has no ImagePositionPatient",
    ),
    "mosaic": (
        lambda f: _change(f / "1-0001.dcm", ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]),
        "1-0001.dcm: is a mosaic",
    ),
    "one slice": (lambda f: [(f / f"1-000{k}.dcm").unlink() for k in (1, 2, 3)], "a single slice"),
    "nothing": (lambda f: [p.unlink() for p in f.iterdir()], "no DICOM images"),
    "sheared": (lambda f: write_series(f, DATA, _tilted()), "tilted against the stack: the last one lies 1.9"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_volume_is_refused(tmp_path, fault):
    folder = tmp_path / "a"
    write_series(folder, DATA, axial_lps((1, 1, 2)))
    make, sentence = FAULTS[fault]
    make(folder)
    with pytest.raises(InputError, match=sentence) as caught:
        read_series(folder)
    assert str(folder) in str(caught.value)


def test_one_of_several_series_by_its_uid(tmp_path):
    write_series(tmp_path, DATA, axial_lps())
    write_series(tmp_path, DATA, oblique_lps(), 2)
    series = read_series(tmp_path, "1.2.826.0.1.3680043.8.498.1.2.1")
    np.testing.assert_allclose(series.lps, oblique_lps(), atol=1e-5)
    with pytest.raises(InputError, match="holds no series"):
        read_series(tmp_path, "1.2.3")


def test_affine_is_what_nibabel_would_index_with(tmp_path):
    lps = oblique_lps((0.8, 1.2, 3))
    write_series(tmp_path / "a", DATA, lps)
    series = read_series(tmp_path / "a")
    point = nib.affines.apply_affine(series.affine, [2, 3, 1])
    ds = pydicom.dcmread(series.slices[1].file)
    rows = np.array(ds.ImageOrientationPatient, float)
    # PixelSpacing is [between rows, between columns]; column 2, row 3
    expected = np.array(ds.ImagePositionPatient, float) + 2 * 0.8 * rows[:3] + 3 * 1.2 * rows[3:]
    np.testing.assert_allclose(point, expected * [-1, -1, 1], atol=1e-5)
