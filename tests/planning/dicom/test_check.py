"""The check of plans in DICOM notices what is wrong; with the other programs installed, it reads a whole folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gliofit.base.errors import InputError
from gliofit.base.files import write_json
from gliofit.base.nifti import Volume, save_volume
from gliofit.planning.dicom import check
from gliofit.planning.dicom.folder import write_folder
from gliofit.planning.dicom.readers import placed
from gliofit.planning.dicom.structures import structures

AFFINE = np.array([[-1.0, 0, 0, 30], [0, 0, 1.5, -20], [0, 2.0, 0, 5], [0, 0, 0, 1]])


def test_a_volume_finds_its_place_on_a_grid():
    data = np.random.default_rng(0).random((5, 6, 7))
    # the part from voxel (1, 2, 3) on, stored along other axes and the other way around
    part = data[1:4, 2:5, 3:7].transpose(2, 0, 1)[::-1]
    there = np.array([[0, 1, 0, 1], [0, 0, 1, 2], [-1, 0, 0, 6], [0, 0, 0, 1.0]])
    found = placed(Volume(part, AFFINE @ there), data.shape, AFFINE)
    expected = np.zeros_like(data)
    expected[1:4, 2:5, 3:7] = data[1:4, 2:5, 3:7]
    np.testing.assert_array_equal(found, expected)
    for wrong in (np.diag([1.0, 1, 1.2, 1]), np.eye(4) + np.eye(4, k=3) * 0.4, np.eye(4) + np.eye(4, k=3) * 2):
        with pytest.raises(InputError, match="lies on another grid"):
            placed(Volume(data, AFFINE @ wrong), data.shape, AFFINE)


def test_a_shift_and_a_voxel_too_many_are_seen():
    mask = np.zeros((12, 12, 12), bool)
    mask[3:8, 3:8, 3:8] = True
    row = check.compare("a", mask, mask, mask, AFFINE)
    assert (row.good, row.dice, row.shift_mm) == (True, 1.0, 0.0)
    moved = check.compare("a", mask, np.roll(mask, 1, axis=1), mask, AFFINE)
    assert moved.shift_mm == pytest.approx(2.0)
    assert not moved.good
    more = mask.copy()
    more[0, 0, 0] = True
    assert not check.compare("a", mask, mask, more, AFFINE).good
    assert not check.compare("a", mask, np.zeros_like(mask), mask, AFFINE).good
    assert "<-- not as it should be" in check.table([moved], {"m.dcm": 0}, [])
    assert check.table([row], {"m.dcm": 3}, ["rtstruct.dcm: bad"]).count("<--") == 1


def test_no_folder_is_told(tmp_path, capsys):
    assert check.main([str(tmp_path)]) == 1
    assert "dicom.json: no such file" in capsys.readouterr().err


def test_other_programs_read_a_whole_folder(tmp_path, capsys):
    if not shutil.which("plastimatch", path=Path(sys.executable).parent):
        pytest.skip("needs the programs of the extra dicom-check (make check-dicom installs them)")
    shape = (24, 20, 16)
    i, j, k = np.indices(shape)
    away = np.sqrt((i - 12) ** 2 + (2 * (j - 9)) ** 2 + (1.5 * (k - 8)) ** 2)
    density = np.where(away < 12, 1 - away / 12, 0).astype(np.float32)
    for name, mask in (("prepared/core", away < 4), ("plans/standard", away < 7), ("plans/hybrid", away < 7)):
        save_volume(tmp_path / f"{name}.nii.gz", mask.astype(np.uint8), AFFINE, "mask")
    save_volume(tmp_path / "hybrid.nii.gz", density, AFFINE, "density")
    scan = Volume((100 * density).astype(np.float32), AFFINE)
    row = SimpleNamespace(id="p", t1c="t1c.nii.gz", scan="t1c.nii.gz")
    patient = SimpleNamespace(affine=AFFINE, shape=shape, scan=scan, patient=row, folder=None)
    found = structures(tmp_path, ["hybrid"], [0.1, 0.5], 15)
    write_json(tmp_path / "dicom.json", write_folder(tmp_path / "dicom", patient, found, {"hybrid": density}))
    assert check.main([str(tmp_path)]) == 0
    # another plan than the one that was written
    save_volume(tmp_path / "plans/hybrid.nii.gz", (away < 8).astype(np.uint8), AFFINE, "mask")
    assert check.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("<--") == 1
