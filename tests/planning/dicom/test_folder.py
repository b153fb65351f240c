"""Plans in DICOM hold what the NIfTI held, refer to their series as planners need it, and are equal when made again."""

from __future__ import annotations

from types import SimpleNamespace

import highdicom
import nibabel as nib
import numpy as np
import pydicom
import pytest
from dicom_files import axial_lps, oblique_lps, write_series
from pydicom.uid import EnhancedMRImageStorage
from rasters import masks_of

from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume
from gliofit.patients.dicom_headers import read_series
from gliofit.patients.dicom_series import FILE
from gliofit.planning.dicom.folder import write_folder
from gliofit.planning.dicom.grid import as_series
from gliofit.planning.dicom.identifiers import uid
from gliofit.planning.dicom.rtstruct import decimal_strings
from gliofit.planning.dicom.structures import Structure

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def _shapes(shape: tuple) -> dict[str, np.ndarray]:
    """Masks that are hard: a shell, one voxel, two pieces, and a structure up to the faces of the volume."""
    i, j, k = np.indices(shape)
    away = np.sqrt((i - shape[0] / 2) ** 2 + (j - shape[1] / 2) ** 2 + (k - shape[2] / 2) ** 2)
    one, faces = np.zeros(shape, bool), np.zeros(shape, bool)
    one[3, 5, 2] = True
    faces[:4, -3:, :2] = True
    two = (away < 3) | (np.hypot(i - 2, j - 2) < 2.3)
    return {"shell": (away < 6) & (away > 2.5), "one": one, "two": two, "faces": faces}


def _patient(affine: np.ndarray, shape: tuple, folder=None) -> SimpleNamespace:
    """What `write_folder` looks at of a prepared patient."""
    scan = np.random.default_rng(1).normal(0, 100, shape).astype(np.float32)
    row = SimpleNamespace(id="patient_7", t1c="t1c.nii.gz", t1=None, flair=None, scan="t1c.nii.gz")
    return SimpleNamespace(affine=affine, shape=shape, scan=Volume(scan, affine), patient=row, folder=folder)


def _density(shape: tuple) -> np.ndarray:
    return np.random.default_rng(2).random(shape).astype(np.float32)


def _write(folder, patient) -> dict:
    found = [Structure(n, "CTV", m, (255, 0, 0), n) for n, m in _shapes(patient.shape).items()]
    return write_folder(folder, patient, found, {"hybrid": _density(patient.shape)})


def _sagittal() -> np.ndarray:
    """First axis to the front, second upwards, third – the thick one – to the right."""
    affine = np.zeros((4, 4))
    affine[1, 0], affine[2, 1], affine[0, 2], affine[3, 3] = 0.9, 0.7, 3.0, 1
    affine[:3, 3] = [-20, 10, -30]
    return affine


GRIDS = {
    "axial": RAS @ axial_lps(),
    "sagittal": _sagittal(),
    "oblique": RAS @ oblique_lps((1, 1.3, 2)),
    "thick oblique": RAS @ oblique_lps((0.5, 0.75, 5)),
}
SHAPE = (15, 18, 13)


@pytest.mark.parametrize("grid", GRIDS)
def test_all_of_it_comes_back_from_a_made_series(tmp_path, grid):
    affine = GRIDS[grid]
    about = _write(tmp_path / "dicom", _patient(affine, SHAPE))
    assert about["made"]
    series = read_series(tmp_path / "dicom" / "series")
    headers = [pydicom.dcmread(s.file) for s in series.slices]
    # where the series' voxels lie in the volume
    index = np.linalg.inv(affine) @ series.affine
    there = nib.affines.apply_affine(index, np.moveaxis(np.indices(series.shape), 0, -1))
    at = tuple(np.moveaxis(np.round(there).astype(int), -1, 0))
    np.testing.assert_allclose(there, np.moveaxis(np.array(at), 0, -1), atol=1e-4)

    read = masks_of(pydicom.dcmread(tmp_path / "dicom" / "rtstruct.dcm"), headers)
    for name, mask in _shapes(SHAPE).items():
        np.testing.assert_array_equal(read[name], mask[at], err_msg=name)

    seg = highdicom.seg.segread(tmp_path / "dicom" / "seg.dcm")
    uids = [s.instance for s in series.slices]
    voxels = seg.get_pixels_by_source_instance(
        uids, ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    for number, mask in enumerate(_shapes(SHAPE).values(), 1):
        np.testing.assert_array_equal(voxels[..., number - 1].transpose(2, 1, 0), mask[at])

    found = pydicom.dcmread(tmp_path / "dicom" / "density_hybrid.dcm")
    np.testing.assert_array_equal(found.pixel_array.transpose(2, 1, 0), _density(SHAPE)[at])
    places = [f.PlanePositionSequence[0].ImagePositionPatient for f in found.PerFrameFunctionalGroupsSequence]
    np.testing.assert_allclose(np.array(places, float), [s.position for s in series.slices], atol=1e-6)


def test_slices_lie_where_pixels_are_squarest_and_else_are_axial():
    assert as_series(GRIDS["sagittal"], (10, 11, 12))[0] == (10, 11, 12)
    # a cube stored with its first axis upwards becomes axial
    upwards = np.array([[0, 1.0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    shape, affine = as_series(upwards, (10, 11, 12))
    assert shape == (11, 12, 10)
    np.testing.assert_array_equal(np.sign(affine[:3, :3].sum(0)), [-1, -1, 1])


def test_equal_content_has_equal_files_and_other_content_other_identifiers(tmp_path):
    patient = _patient(GRIDS["oblique"], SHAPE)
    for name in ("a", "b"):
        _write(tmp_path / name, patient)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.dcm"))
    assert len(files) == 3 + 13
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
    patient.scan.data[3, 3, 3] += 1000
    _write(tmp_path / "c", patient)
    for file in files:
        one, other = (pydicom.dcmread(tmp_path / name / file) for name in ("a", "c"))
        assert one.SOPInstanceUID != other.SOPInstanceUID
        assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID


def test_on_the_scanners_series(tmp_path):
    lps = oblique_lps((0.8, 1.2, 3))
    write_series(tmp_path / "scanner", np.arange(15 * 18 * 13).reshape(SHAPE), lps, BodyPartExamined="HEAD")
    series = read_series(tmp_path / "scanner")
    (tmp_path / "prepared").mkdir()
    series.save(tmp_path / "prepared" / FILE)
    # a converter turned the rows around
    turned = series.affine @ np.array([[1, 0, 0, 0], [0, -1, 0, 17], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    about = _write(tmp_path / "dicom", _patient(turned, SHAPE, tmp_path / "prepared"))
    assert not about["made"]
    assert not (tmp_path / "dicom" / "series").exists()
    plan = pydicom.dcmread(tmp_path / "dicom" / "rtstruct.dcm")
    headers = [pydicom.dcmread(s.file) for s in series.slices]
    read = masks_of(plan, headers)
    for name, mask in _shapes(SHAPE).items():
        np.testing.assert_array_equal(read[name], mask[:, ::-1], err_msg=name)

    # patient, study, frame of reference and images are the scanner's
    source = headers[0]
    for file in ("rtstruct.dcm", "seg.dcm", "density_hybrid.dcm"):
        written = pydicom.dcmread(tmp_path / "dicom" / file)
        for name in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "FrameOfReferenceUID"):
            assert written[name].value == source[name].value, (file, name)
        assert written.SeriesInstanceUID != source.SeriesInstanceUID
    frame = plan.ReferencedFrameOfReferenceSequence[0]
    assert frame.FrameOfReferenceUID == source.FrameOfReferenceUID
    referred = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert referred.SeriesInstanceUID == source.SeriesInstanceUID
    assert [i.ReferencedSOPInstanceUID for i in referred.ContourImageSequence] == [s.instance for s in series.slices]
    seg = pydicom.dcmread(tmp_path / "dicom" / "seg.dcm")
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID
    assert [str(o.RTROIInterpretedType) for o in plan.RTROIObservationsSequence] == ["CTV"] * 4
    assert [r.ROIDisplayColor for r in plan.ROIContourSequence] == [[255, 0, 0]] * 4


def _enhanced(folder, lps: np.ndarray) -> None:
    """The same volume as one file of frames, which go neither up nor down."""
    files = [pydicom.dcmread(p) for p in write_series(folder / "classic", np.zeros(SHAPE), lps)]
    ds = files[0]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    ds.NumberOfFrames = len(files)
    shared = pydicom.Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [pydicom.Dataset()], [pydicom.Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = ds.ImageOrientationPatient
    shared.PixelMeasuresSequence[0].PixelSpacing = ds.PixelSpacing
    shared.PixelMeasuresSequence[0].SliceThickness = ds.SliceThickness
    frames = []
    for k in np.random.default_rng(3).permutation(len(files)):
        frame = pydicom.Dataset()
        frame.PlanePositionSequence = [pydicom.Dataset()]
        frame.PlanePositionSequence[0].ImagePositionPatient = files[k].ImagePositionPatient
        frames.append(frame)
    del ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing, ds.SliceThickness
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], frames
    ds.PixelData = bytes(2 * int(np.prod(SHAPE)))
    (folder / "enhanced").mkdir()
    ds.save_as(folder / "enhanced" / "all.dcm")


def test_on_a_series_of_one_file_with_many_frames(tmp_path):
    _enhanced(tmp_path, oblique_lps((0.8, 1.2, 3)))
    series = read_series(tmp_path / "enhanced")
    (tmp_path / "prepared").mkdir()
    series.save(tmp_path / "prepared" / FILE)
    _write(tmp_path / "dicom", _patient(series.affine, SHAPE, tmp_path / "prepared"))
    # the frame that a contour refers to lies in its plane
    plan = pydicom.dcmread(tmp_path / "dicom" / "rtstruct.dcm")
    source = pydicom.dcmread(series.slices[0].file)
    shell = _shapes(SHAPE)["shell"]
    seen = set()
    for contour in plan.ROIContourSequence[0].ContourSequence:
        number = contour.ContourImageSequence[0].ReferencedFrameNumber
        place = source.PerFrameFunctionalGroupsSequence[number - 1].PlanePositionSequence[0].ImagePositionPatient
        beside = np.array(contour.ContourData, float).reshape(-1, 3) - np.array(place, float)
        np.testing.assert_allclose(beside @ np.cross(series.orientation[:3], series.orientation[3:]), 0, atol=1e-3)
        seen.add(number)
    assert len(seen) == shell.any(axis=(0, 1)).sum()
    found = pydicom.dcmread(tmp_path / "dicom" / "density_hybrid.dcm")
    np.testing.assert_array_equal(found.pixel_array.transpose(2, 1, 0), _density(SHAPE))
    # frames of the segmentation refer to the source's frames; each is that slice of the mask
    seg = highdicom.seg.segread(tmp_path / "dicom" / "seg.dcm")
    frames = [s.frame for s in series.slices]
    voxels = seg.get_pixels_by_source_frame(
        series.slices[0].instance, frames, ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    np.testing.assert_array_equal(voxels[..., 0].transpose(2, 1, 0), shell)


def test_a_made_series_has_no_person_and_says_what_it_is(tmp_path):
    _write(tmp_path / "dicom", _patient(GRIDS["axial"], SHAPE))
    slice_ = pydicom.dcmread(tmp_path / "dicom" / "series" / "0001.dcm")
    assert (slice_.PatientName, slice_.PatientID) == ("patient_7", "patient_7")
    assert not any(slice_[name].value for name in ("PatientBirthDate", "PatientSex", "StudyDate"))
    assert slice_.SeriesDescription == "T1c made from NIfTI by GlioFit, not by a scanner"
    assert slice_.SOPInstanceUID.startswith("2.25.")
    assert slice_.SOPInstanceUID.is_valid


def test_files_that_have_gone_or_changed_are_named(tmp_path):
    paths = write_series(tmp_path / "scanner", np.zeros(SHAPE), axial_lps())
    series = read_series(tmp_path / "scanner")
    (tmp_path / "prepared").mkdir()
    series.save(tmp_path / "prepared" / FILE)
    patient = _patient(series.affine, SHAPE, tmp_path / "prepared")
    with pytest.raises(InputError, match="doesn't lie on the grid of its DICOM series"):
        _write(tmp_path / "dicom", _patient(series.affine @ np.diag([1, 1, 1.1, 1]), SHAPE, tmp_path / "prepared"))
    other = pydicom.dcmread(paths[4])
    other.SOPInstanceUID = "1.2.3"
    other.save_as(paths[4])
    with pytest.raises(InputError, match=r"1-0005.dcm: is another image"):
        _write(tmp_path / "dicom", patient)
    paths[4].unlink()
    with pytest.raises(InputError, match=r"1-0005.dcm: no such file"):
        _write(tmp_path / "dicom", patient)
    assert not (tmp_path / "dicom").exists()


def test_no_value_is_longer_than_its_kind_allows(tmp_path):
    affine = GRIDS["oblique"].copy()
    affine[:3, 3] += [-1234.56789, 999.123456789, 1 / 3]
    _write(tmp_path / "dicom", _patient(affine, SHAPE))
    for path in (tmp_path / "dicom").rglob("*.dcm"):
        for element in pydicom.dcmread(path).iterall():
            if element.VR not in ("DS", "IS", "SH", "CS", "LO", "UI") or element.is_empty:
                continue
            longest = {"DS": 16, "IS": 12, "SH": 16, "CS": 16, "LO": 64, "UI": 64}[element.VR]
            values = element.value if element.VM > 1 else [element.value]
            written = [getattr(v, "original_string", None) or str(v) for v in values]
            assert max(map(len, written)) <= longest, (path.name, element)
    assert decimal_strings(np.array([[-0.00001, -1234.56789, 2.5]])) == ["0", "-1234.5679", "2.5"]


def test_uids_are_valid_and_follow_from_all_parts():
    assert uid("a", "bc") != uid("ab", "c")
    assert uid("a") == uid(b"a")
    assert len(uid("a")) <= 64


def test_contours_may_be_longer_than_explicit_vr_can_count(tmp_path):
    affine = RAS @ oblique_lps((0.7, 0.7, 0.7))
    patient = _patient(affine, (80, 80, 2))
    i, j = np.indices((80, 80))
    # teeth that all hang together, as rough as voxels can be
    comb = np.repeat(((j == 0) | (i % 2 == 0) | ((i % 4 == 1) & (j % 2 == 0)))[:, :, None], 2, axis=2)
    write_folder(tmp_path / "dicom", patient, [Structure("comb", "CTV", comb, (1, 2, 3), "a comb")], {})
    plan = pydicom.dcmread(tmp_path / "dicom" / "rtstruct.dcm")
    found = plan.ROIContourSequence[0].ContourSequence
    assert max(len("\\".join(map(str, c.ContourData))) for c in found) > 65535
    area = 0.0
    for contour in found:
        points = np.array(contour.ContourData, float).reshape(-1, 3)
        points -= points[0]
        area += np.linalg.norm(np.cross(points, np.roll(points, -1, 0)).sum(0)) / 2
    assert area == pytest.approx(comb.sum() * 0.49, rel=1e-4)
