"""The benchmark's door, called as its container is: on small folders laid out so, and on a real patient."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from cases import write
from heads import AFFINE, AWAY, BRAIN, DEPTH, MAPS, PET, RECURRENCE, SEG, SHAPE

from gliofit import predict_gbm
from gliofit.base.overlap import dice
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.registry import invert
from gliofit.patients.benchmark_case import load_case
from gliofit.patients.discovery import discover
from gliofit.patients.preparation import prepare_patient
from gliofit.patients.prepared import load_prepared
from gliofit.patients.sample_sheet import Patient

QUICK = ["--spacing", "6", "--set", "iterations=3", "--set", "uncertainty=false"]


def lay_out(folder, seg=SEG, recurrence=None, stored=("L", "A", "S"), **others):
    """Patient-00000 as the benchmark has it: labels stored another way round than the maps, as its own are."""
    case = folder / "Patient-00000"
    for name, data in {**MAPS, **others}.items():
        if data is not None:
            write(case / f"00000-{name}.nii.gz", data.astype(np.float32), AFFINE)
    if isinstance(seg, nib.Nifti1Image):
        nib.save(seg, case / "00000-tumorseg.nii.gz")
    else:
        write(case / "00000-tumorseg.nii.gz", seg, AFFINE, stored)
    if recurrence is not None:
        write(case / "00000-recurrence.nii.gz", recurrence, AFFINE, stored)
    return case


def ran(folder, *options):
    return predict_gbm.main(["--input", str(folder / "in"), "--output", str(folder / "out"), *QUICK, *options])


def as_maps(image):
    """Voxels in the order of AFFINE."""
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.io_orientation(AFFINE))
    turned = image.as_reoriented(turn)
    np.testing.assert_allclose(turned.affine, AFFINE, atol=1e-4)
    return np.asarray(turned.dataobj)


def test_a_prediction_is_positive_in_all_of_the_brain_on_the_grid_of_tumorseg(tmp_path):
    case = lay_out(tmp_path / "in")
    assert ran(tmp_path) == 0
    out, seg = nib.load(tmp_path / "out/00000.nii.gz"), nib.load(case / "00000-tumorseg.nii.gz")
    assert out.shape == seg.shape
    np.testing.assert_allclose(out.affine, seg.affine)
    density, brain = as_maps(out), np.sum(list(MAPS.values()), axis=0) > 0
    assert density[brain].min() > 0
    assert density.max() <= 1
    assert not density[~brain & (SEG == 0)][np.isfinite(density[~brain & (SEG == 0)])].max() > 1e-12
    inside = density[density > 0]
    assert np.unique(inside).size == inside.size  # no plateau: a threshold gives a plan of any volume
    assert dice(density > 0.3, SEG > 0) > 0.7


def test_the_command_line(tmp_path):
    """As a container calls it; bad input ends in one sentence and exit code 1."""
    lay_out(tmp_path / "in", gm=None)
    command = [sys.executable, "-m", "gliofit.predict_gbm", "--input", tmp_path / "in", "--output", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [f"Error: {tmp_path}/in/Patient-00000: has no 00000-gm.nii.gz"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seg": np.zeros_like(SEG)}, "shows no tumour"),
        ({"seg": np.where(SEG == 2, 7, SEG).astype(np.uint8)}, "unknown label 7"),
        ({"wm": 255 * MAPS["wm"]}, "not a map of fractions"),
        ({"pet": np.full(SHAPE, np.nan)}, "not finite"),
        ({"pet": PET - 1.2}, "uptake is negative in"),
        ({"gm": MAPS["wm"]}, "add up to more than 1"),
        ({"seg": nib.Nifti1Image(SEG, np.diag([1e-3, 1e-3, 1e-3, 1]) @ AFFINE)}, "another unit than mm"),
        ({"seg": nib.Nifti1Image(SEG, AFFINE + np.eye(4, k=1) * [[0, 1, 0, 0]])}, "has shear"),
    ],
)
def test_bad_input_names_the_file(tmp_path, capsys, change, sentence):
    lay_out(tmp_path / "in", **change)
    assert ran(tmp_path) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert sentence in said
    assert "00000-" in said
    assert said.count("\n") == 1


def test_one_bad_case_does_not_stop_the_others(tmp_path, capsys):
    lay_out(tmp_path / "in")
    bad = tmp_path / "in" / "Patient-00001"
    (tmp_path / "in" / "Patient-00000").rename(bad)
    for path in bad.iterdir():
        path.rename(path.with_name(path.name.replace("00000", "00001")))
    lay_out(tmp_path / "in")
    (tmp_path / "in/Patient-00000/00000-wm.nii.gz").write_bytes(b"")
    assert ran(tmp_path) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["00001.nii.gz"]
    assert "00000-wm.nii.gz: cannot be read" in capsys.readouterr().err


def test_what_is_no_number_around_the_head_is_0(tmp_path, capsys):
    lay_out(tmp_path / "in", **{name: np.where(BRAIN, data, np.nan) for name, data in {**MAPS, "pet": PET}.items()})
    assert ran(tmp_path) == 0
    assert capsys.readouterr().err.count("voxels around the head are not finite") == 4


def test_output_and_links_that_are_none(tmp_path, capsys):
    case = lay_out(tmp_path / "in")
    (tmp_path / "out").write_text("")
    assert ran(tmp_path) == 1
    assert "out: is a file; a folder is needed" in capsys.readouterr().err
    (tmp_path / "out").unlink()
    (case / "00000-gm.nii.gz").unlink()
    (case / "00000-gm.nii.gz").symlink_to("/no/gm.nii.gz")
    assert ran(tmp_path) == 1
    assert "00000-gm.nii.gz: is a link to /no/gm.nii.gz, which is not there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("prediction", "recurrence", "rc", "said"),
    [
        (np.exp(-AWAY / 9) * BRAIN, RECURRENCE, 0, ""),
        (np.zeros(SHAPE), RECURRENCE, 1, "out/00000.nii.gz: is the same everywhere"),
        (np.exp(-AWAY / 9), np.where(DEPTH > 1.2, 3, 0), 1, "100% of the recurrence lies outside the brain"),
        (
            nib.Nifti1Image(np.exp(-AWAY / 9), np.diag([3.0, 3, 3, 1])),
            RECURRENCE,
            0,
            "its affine differs from tumorseg",
        ),
    ],
)
def test_what_cannot_be_scored(tmp_path, capsys, prediction, recurrence, rc, said):
    lay_out(tmp_path / "in", recurrence=recurrence.astype(np.uint8), stored=nib.aff2axcodes(AFFINE))
    image = prediction if isinstance(prediction, nib.Nifti1Image) else nib.Nifti1Image(prediction, AFFINE)
    (tmp_path / "out").mkdir()
    nib.save(image, tmp_path / "out/00000.nii.gz")
    assert ran(tmp_path, "evaluate") == rc
    written = capsys.readouterr()
    assert said in written.err
    if not rc:
        (scores,) = json.loads(written.out).values()
        assert len(scores["warnings"]) == bool(said)


def test_no_case_no_method_no_weights(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    assert ran(tmp_path) == 1
    assert "has no folder Patient-00000" in capsys.readouterr().err
    lay_out(tmp_path / "in")
    assert ran(tmp_path, "--method", "divination") == 1
    assert "unknown method 'divination'" in capsys.readouterr().err
    assert predict_gbm.main(["--input", str(tmp_path / "in"), "--method", "direct", "--weights", str(tmp_path)]) == 1
    assert "inverse.safetensors: no such file; method direct needs these weights" in capsys.readouterr().err


def test_what_cannot_be_written_is_named(tmp_path, capsys):
    lay_out(tmp_path / "in", recurrence=SEG, stored=nib.aff2axcodes(AFFINE))
    (tmp_path / "out").mkdir()
    nib.save(nib.Nifti1Image(MAPS["wm"], AFFINE), tmp_path / "out/00000.nii.gz")
    assert ran(tmp_path, "evaluate", "--scores", str(tmp_path)) == 1
    assert f"Error: {tmp_path}: Is a directory" in capsys.readouterr().err
    assert predict_gbm.main(["--input", str(tmp_path / "out/00000.nii.gz")]) == 1
    assert "00000.nii.gz: is a file; a folder is needed" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["seed", "method", "networks", "settings"])
def test_arguments_that_are_no_settings(name, capsys):
    with pytest.raises(SystemExit):
        predict_gbm.main(["--set", f"{name}=4"])
    assert f"'{name}' is no setting of a method" in capsys.readouterr().err


def test_maps_and_labels_whose_affines_disagree_are_taken_as_they_are_stored(tmp_path):
    case = lay_out(tmp_path / "in", stored=nib.aff2axcodes(AFFINE))
    lost = nib.load(case / "00000-tumorseg.nii.gz")
    elsewhere = np.diag([3.0, 3.0, 3.0, 1.0])
    elsewhere[:3, 3] = 300
    nib.save(nib.Nifti1Image(np.asarray(lost.dataobj), elsewhere), case / "00000-tumorseg.nii.gz")
    found = load_case(case)
    np.testing.assert_array_equal(found.labels, SEG)
    assert "in the order in which they are stored" in found.warnings[0]
    np.testing.assert_allclose(found.affine, elsewhere)
    nib.save(nib.Nifti1Image(np.roll(SEG, 28, axis=0)[:, :, :40], elsewhere), case / "00000-tumorseg.nii.gz")
    with pytest.raises(ValueError, match="tumour lies outside the brain"):
        load_case(case)


def test_tumour_that_hangs_on_to_the_brain_by_nothing_is_brain_where_maps_know_of_it(tmp_path):
    """A speck that opening cuts off was lost, and with it the fit that the workflow makes."""
    wm, seg, speck = MAPS["wm"].copy(), SEG.copy(), (1, 1, 1)
    assert np.sum(list(MAPS.values()), axis=0)[:4, :4, :4].max() == 0
    wm[speck], seg[speck] = 1, 2
    seg[2, 1, 1] = 2  # labelled, but no tissue: the labels' own mistake
    case = load_case(lay_out(tmp_path, seg=seg, stored=("L", "P", "S"), wm=wm))
    assert case.brain[speck]
    assert case.whole[speck]
    assert not case.brain[2, 1, 1]
    assert case.whole.sum() == (SEG > 0).sum() + 1


def test_pet_is_observed(tmp_path):
    pet = np.where(np.isin(SEG, (2, 3)), SEG, 0)
    case = load_case(lay_out(tmp_path / "in", pet=pet))
    assert patient_problem(case, 6.0).target.parts[1].arrays().keys() >= {"pet"}
    without = load_case(lay_out(tmp_path / "zero", pet=0 * pet))
    assert without.fet is None
    assert "has no uptake" in without.warnings[0]


def scores_of(folder, prediction, capsys, **layout):
    case = lay_out(folder / "in", stored=nib.aff2axcodes(AFFINE), **layout)
    (folder / "out").mkdir()
    nib.save(nib.Nifti1Image(prediction.astype(np.float32), AFFINE), folder / "out/00000.nii.gz")
    assert ran(folder, "evaluate", "--scores", str(folder / "scores.json")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((folder / "scores.json").read_text()) == printed
    return printed["00000"], load_case(case, case / "00000-recurrence.nii.gz")


def test_evaluate_gives_both_scores_on_one_output(tmp_path, capsys):
    recurrence = np.where(SEG == 1, 4, np.roll(SEG, 6, axis=0)).astype(np.uint8) * (np.sum(list(MAPS.values()), 0) > 0)
    noise = np.where(np.sum(list(MAPS.values()), 0) > 0, np.random.default_rng(0).random(SHAPE), 0)
    prediction = noise / 4 + 0.7 * np.isin(recurrence, (1, 2, 3))
    found, case = scores_of(tmp_path, prediction, capsys, recurrence=recurrence)
    ours, theirs = found["ours"], found["predict_gbm"]
    assert ours["model"]["coverage_broad"] > ours["standard"]["coverage_broad"]
    assert ours["model"]["plan_voxels"] == ours["standard"]["plan_voxels"]
    # the cavity (4) is neither's recurrence, and 15 voxels of 3 mm are 45 mm
    assert theirs["recurrence_coverage_standard_all"] > ours["standard"]["coverage_broad"]
    assert any("3 × 3 × 3 mm" in sentence for sentence in found["differences"])
    assert 0 < ours["standard"]["miss_mean_mm"] <= ours["standard"]["miss_farthest_mm"] < 40
    assert case.recurrence.max() == 3


def test_an_empty_recurrence_is_undefined_here_and_perfect_there(tmp_path, capsys):
    found, _ = scores_of(tmp_path, MAPS["wm"] / 2, capsys, recurrence=np.zeros_like(SEG))
    assert set(found["predict_gbm"].values()) == {1.0}
    for scores in found["ours"].values():
        assert {scores[name] for name in ("coverage_narrow", "coverage_broad", "area_broad", "missed_voxels")} == {None}
    assert "PredictGBM scores it 1.0" in found["differences"][0]
    edema, _ = scores_of(
        tmp_path / "edema", MAPS["wm"] / 2, capsys, recurrence=np.where(SEG > 0, 2, 0).astype(np.uint8)
    )
    assert edema["ours"]["standard"]["coverage_narrow"] is None
    assert edema["ours"]["standard"]["coverage_broad"] > 0.9
    assert edema["predict_gbm"]["recurrence_coverage_model"] == 1.0


def test_such_a_folder_is_a_patient(tmp_path):
    lay_out(tmp_path / "in", pet=MAPS["wm"], recurrence=SEG)
    (patient,) = discover(tmp_path / "in").patients
    assert (patient.id, patient.labels, patient.anatomy) == ("Patient-00000", "brats2024", "maps")
    assert {role: path.name for role, path in patient.files.items()} == {
        role: f"00000-{name}.nii.gz"
        for role, name in {
            "seg": "tumorseg", "fet": "pet", "recurrence": "recurrence", "wm": "wm", "gm": "gm", "csf": "csf"
        }.items()
    }  # fmt: skip


def test_through_the_door_comes_what_the_workflow_finds(tmp_path, mni152):
    """What was prepared for the workflow, handed over as the benchmark does, ends in the workflow's density."""
    maps = {name: write(tmp_path / f"{name}.nii.gz", data, AFFINE) for name, data in MAPS.items()}
    row = Patient("head", seg=write(tmp_path / "seg.nii.gz", SEG, AFFINE), labels="brats2024", **maps)
    prepare_patient(row, mni152, "fast", tmp_path / "prepared")
    prepared, case = load_prepared(tmp_path / "prepared"), tmp_path / "in/Patient-00000"
    case.mkdir(parents=True)
    for name, source in {"tumorseg": "seg", "wm": "wm", "gm": "gm", "csf": "csf"}.items():
        (case / f"00000-{name}.nii.gz").symlink_to(tmp_path / f"prepared/{source}.nii.gz")
    assert ran(tmp_path) == 0
    problem = patient_problem(prepared, 6.0)
    settings = {"seed": 3, "model": predict_gbm.GROWTH_MODEL, "iterations": 3, "uncertainty": False}
    fit = invert(problem.target, problem.tissue, **settings)
    workflow = prepared.to_scan(fit.density, problem.tissue.affine)
    ours = np.asarray(nib.load(tmp_path / "out/00000.nii.gz").dataobj)
    for threshold in (0.1, 0.5):
        assert dice(ours > threshold, workflow > threshold) >= 0.98
