"""Folders of public data sets: which folders are cases, which file is what, and what is said of the rest."""

from __future__ import annotations

import re

import nibabel as nib
import numpy as np
import pytest

from gliofit.base.errors import InputError
from gliofit.patients.discovery import discover
from gliofit.patients.headers import in_atlas_space


def found_in(folder):
    found = discover(folder)
    assert not found.refused
    return found.patients, found.warnings


def case(folder, *names, shape=(3, 3, 3), affine=None):
    folder.mkdir(parents=True)
    for name in names:
        nib.save(nib.Nifti1Image(np.ones(shape, np.uint8), np.eye(4) if affine is None else affine), folder / name)


def test_discovers_every_layout(tmp_path):
    case(tmp_path / "HGG/Brats18_X_1", *(f"Brats18_X_1_{s}.nii.gz" for s in ("t1", "t1ce", "flair", "seg", "t2")))
    case(tmp_path / "BraTS-GLI-1", *(f"BraTS-GLI-1-{s}.nii.gz" for s in ("t1n", "t1c", "t2f", "t2w", "seg")))
    case(tmp_path / "plain", "t1n.nii", "t1c.nii", "t2f.nii", "seg.nii", "fet.nii.gz", "recurrence.nii.gz")
    case(tmp_path / "older", "t1.nii.gz", "t1ce.nii.gz", "flair.nii.gz", "seg.nii.gz")
    case(tmp_path / "maps", "seg.nii.gz", "wm.nii.gz", "gm.nii.gz")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/readme.txt").write_text("no scan")
    patients, warnings = found_in(tmp_path)
    found = {p.id: p for p in patients}
    assert list(found) == ["BraTS-GLI-1", "Brats18_X_1", "maps", "older", "plain"]
    assert found["Brats18_X_1"].t1c.name == "Brats18_X_1_t1ce.nii.gz"
    assert found["BraTS-GLI-1"].flair.name == "BraTS-GLI-1-t2f.nii.gz"
    assert found["BraTS-GLI-1"].t1.name == "BraTS-GLI-1-t1n.nii.gz"
    assert found["plain"].seg.name == "seg.nii"
    assert found["plain"].fet.name == "fet.nii.gz"
    assert found["plain"].recurrence is not None
    assert found["maps"].anatomy == "maps"
    assert len(warnings) == 1
    assert "notes: passed over, as it holds no scan" in warnings[0]


def test_discovers_gliomasolvers_example_and_words_in_names(tmp_path):
    case(tmp_path / "PET", *(f"{s}.nii.gz" for s in ("WM", "GM", "tumT1c", "tumFLAIR", "tumPET")))
    case(tmp_path / "words", "t1n.nii.gz", "seg.nii.gz", "words_recurrence_preop.nii.gz", "fet_static.nii")
    (tmp_path / "words/fet_static.json").write_text("{}")
    case(tmp_path / "two", "t1n.nii.gz", "seg.nii.gz", "recurrence_1.nii.gz", "recurrence_2.nii.gz", "profets_seg.nii")
    found = {p.id: p for p in discover(tmp_path).patients}
    names = {column: path.name for column, path in found["PET"].files.items()}
    assert (names["seg"], names["whole"]) == ("tumT1c.nii.gz", "tumFLAIR.nii.gz")
    assert (found["PET"].labels, found["words"].labels) == ("gliomasolver", "brats")
    assert names["fet"] == "tumPET.nii.gz"
    assert found["PET"].anatomy == "maps"
    assert found["words"].recurrence.name == "words_recurrence_preop.nii.gz"
    assert found["words"].fet.name == "fet_static.nii"
    assert (found["two"].recurrence, found["two"].fet) == (None, None)
    (note,) = found["two"].notes
    assert note.endswith(
        "profets_seg.nii, recurrence_1.nii.gz, recurrence_2.nii.gz not used, as the name is none that is known"
    )


def test_incomplete_cases_are_named_and_passed_over(tmp_path):
    case(tmp_path / "good", "t1n.nii.gz", "seg.nii.gz")
    case(tmp_path / "no_seg", "t1n.nii.gz", "t1c.nii.gz", "t2f.nii.gz")
    case(tmp_path / "no_t1", "t2f.nii.gz", "seg.nii.gz")
    case(tmp_path / "only_t1c", "t1c.nii.gz", "seg.nii.gz")
    case(tmp_path / "one_map", "t1.nii.gz", "wm.nii.gz", "seg.nii.gz")
    patients, warnings = found_in(tmp_path)
    assert {p.id: p.anatomy for p in patients} == dict.fromkeys(("good", "one_map", "only_t1c"), "registration")
    assert any("no_seg: passed over, as it has no segmentation" in w for w in warnings)
    assert any("no_t1: passed over, as it has no T1" in w for w in warnings)
    notes = {p.id: " ".join(p.notes) for p in patients}
    assert "only_t1c: has no T1" in notes["only_t1c"]
    assert "wm.nii.gz left aside, as wm and gm belong together" in notes["one_map"]
    assert notes["good"] == ""


def test_a_case_in_atlas_space_can_do_without_t1(tmp_path):
    affine = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
    case(tmp_path / "A", "seg.nii.gz", shape=(240, 240, 155), affine=affine)
    patients, warnings = found_in(tmp_path)
    assert patients[0].anatomy == "atlas"
    assert warnings == []
    assert "no T1" in patients[0].notes[0]
    assert in_atlas_space(patients[0].seg)


def test_folders_that_cannot_serve(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        discover(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no case.*UCSF-PDGM.*BIDS"):
        discover(tmp_path)


def test_a_name_that_cannot_be_an_id_or_a_role_with_two_files_is_that_cases_own_fault(tmp_path):
    case(tmp_path / "A 1", "t1n.nii.gz", "seg.nii.gz")
    case(tmp_path / "B", "t1n.nii.gz", "seg.nii.gz", "B_seg.nii.gz")
    case(tmp_path / "C", "t1n.nii.gz", "t1.nii.gz", "seg.nii.gz")
    case(tmp_path / "D", "t1n.nii.gz", "seg.nii.gz")
    found = discover(tmp_path)
    assert [p.id for p in found.patients] == ["D"]
    assert "patient id 'A 1'" in found.refused["A_1"]
    assert "seg.nii.gz and B_seg.nii.gz could both be its seg" in found.refused["B"]
    assert "t1n.nii.gz and t1.nii.gz could both be its t1" in found.refused["C"]


def test_equal_names_below_two_parents_and_time_points(tmp_path):
    for grade in ("HGG", "LGG"):
        case(tmp_path / "a" / grade / "A", "t1n.nii.gz", "seg.nii.gz")
    for patient, when in (("P1", "2020-01-31"), ("P1", "2020-06-01"), ("P2", "pre_op")):
        case(tmp_path / "b" / patient / when, "t1n.nii.gz", "seg.nii.gz")
    assert [p.id for p in discover(tmp_path / "a").patients] == ["HGG_A", "LGG_A"]
    assert [p.id for p in discover(tmp_path / "b").patients] == ["P1_2020-01-31", "P1_2020-06-01", "P2_pre_op"]


def test_a_folder_that_is_one_case_itself(tmp_path):
    case(tmp_path / "A", "t1n.nii.gz", "seg.nii.gz")
    (patient,) = discover(tmp_path / "A").patients
    assert (patient.id, patient.t1) == ("A", tmp_path / "A/t1n.nii.gz")


def test_what_is_no_folder_of_cases_is_said(tmp_path):
    (tmp_path / "BraTS.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"holds no case \(unpack BraTS.zip first\)"):
        discover(tmp_path)
    with pytest.raises(InputError, match=r"BraTS.zip: is a file; a folder is needed"):
        discover(tmp_path / "BraTS.zip")


def test_images_in_other_formats_are_named(tmp_path):
    case(tmp_path / "A", "t1c.nii.gz", "seg.nii.gz")
    case(tmp_path / "B", "t1n.nii.gz")
    (tmp_path / "A" / "t1n.mgz").touch()
    (tmp_path / "A" / "notes.mha").touch()
    (tmp_path / "B" / "Segmentation.seg.nrrd").touch()
    (patient,), passed_over = found_in(tmp_path)
    assert any(note.endswith("t1n.mgz must be converted to NIfTI first") for note in patient.notes)
    assert not any("mha" in note for note in patient.notes)
    assert "no segmentation (seg); Segmentation.seg.nrrd must be converted to NIfTI first" in passed_over[0]


def test_every_name_that_cannot_be_an_id_is_said(tmp_path):
    for name in ("a[1]", "a(1)", "患者", "A" * 101):
        case(tmp_path / name, "t1n.nii.gz", "seg.nii.gz")
    case(tmp_path / "a_1_", "t1n.nii.gz", "seg.nii.gz")
    found = discover(tmp_path)
    assert [p.id for p in found.patients] == ["a_1_"]
    assert len(found.refused) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,103}", name) for name in found.refused)


def test_a_link_to_a_folder_above_is_not_followed(tmp_path):
    case(tmp_path / "P", "t1n.nii.gz", "seg.nii.gz")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    assert [p.id for p in found_in(tmp_path)[0]] == ["P"]


def test_a_link_to_nothing_is_a_file_that_is_reported_later(tmp_path):
    case(tmp_path / "A", "seg.nii.gz")
    (tmp_path / "A/t1n.nii.gz").symlink_to(tmp_path / "gone.nii.gz")
    (patient,) = discover(tmp_path).patients
    assert patient.t1.name == "t1n.nii.gz"


STRIPPED = "DeepBraTumIA-segmentation/atlas/skull_strip"

LAYOUTS = {
    "BraTS 2018": (
        ["HGG/Brats18_X_1/Brats18_X_1_{}"],
        ["t1", "t1ce", "flair", "t2", "seg"],
        "Brats18_X_1",
        "brats2021",
        {"t1": "t1", "t1c": "t1ce", "flair": "flair", "seg": "seg"},
    ),
    "BraTS 2021": (
        ["BraTS2021_00000/BraTS2021_00000_{}"],
        ["t1", "t1ce", "flair", "t2", "seg"],
        "BraTS2021_00000",
        "brats2021",
        {"t1": "t1", "t1c": "t1ce", "flair": "flair", "seg": "seg"},
    ),
    "BraTS 2024": (
        ["BraTS-GLI-00005-100/BraTS-GLI-00005-100-{}"],
        ["t1n", "t1c", "t2f", "t2w", "seg"],
        "BraTS-GLI-00005-100",
        "brats2024",
        {"t1": "t1n", "t1c": "t1c", "flair": "t2f", "seg": "seg"},
    ),
    "BraTS-PED": (
        ["BraTS-PED-00001-000/BraTS-PED-00001-000-{}"],
        ["t1n", "t1c", "t2f", "t2w", "seg"],
        "BraTS-PED-00001-000",
        "brats_ped",
        {"t1": "t1n", "t1c": "t1c", "flair": "t2f", "seg": "seg"},
    ),
    "UCSF-PDGM": (
        ["UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_{}"],
        ["T1", "T1_bias", "T1c", "FLAIR", "T2", "ADC", "tumor_segmentation", "brain_segmentation"],
        "UCSF-PDGM-0004",
        "ucsf_pdgm",
        {"t1": "T1", "t1c": "T1c", "flair": "FLAIR", "seg": "tumor_segmentation", "brain": "brain_segmentation"},
    ),
    "UPENN-GBM": (
        ["images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_{}", "images_segm/UPENN-GBM-00001_11_{}"],
        ["T1", "T1GD", "FLAIR", "T2", "1:segm"],
        "UPENN-GBM-00001_11",
        "upenn_gbm",
        {"t1": "T1", "t1c": "T1GD", "flair": "FLAIR", "seg": "segm"},
    ),
    "LUMIERE": (
        [
            "Patient-001/week-000-1/{}",
            f"Patient-001/week-000-1/{STRIPPED}/{{}}",
            "Patient-001/week-000-1/DeepBraTumIA-segmentation/atlas/segmentation/{}",
        ],
        [
            "T1",
            "CT1",
            "FLAIR",
            "1:t1_skull_strip",
            "1:ct1_skull_strip",
            "1:flair_skull_strip",
            "1:brain_mask",
            "2:seg_mask",
        ],
        "Patient-001_week-000-1",
        "lumiere",
        {
            "t1": "t1_skull_strip",
            "t1c": "ct1_skull_strip",
            "flair": "flair_skull_strip",
            "seg": "seg_mask",
            "brain": "brain_mask",
        },
    ),
    "BIDS": (
        ["derivatives/x/sub-01/ses-2/anat/sub-01_ses-2_{}", "derivatives/x/sub-01/ses-2/pet/sub-01_ses-2_{}"],
        [
            "T1w",
            "ce-gadolinium_T1w",
            "FLAIR",
            "T2w",
            "label-lesion_dseg",
            "desc-brain_mask",
            "label-WM_probseg",
            "label-GM_probseg",
            "1:trc-FET_pet",
        ],
        "sub-01_ses-2",
        "brats",
        {
            "t1": "T1w",
            "t1c": "ce-gadolinium_T1w",
            "flair": "FLAIR",
            "seg": "label-lesion_dseg",
            "brain": "desc-brain_mask",
            "wm": "label-WM_probseg",
            "gm": "label-GM_probseg",
            "fet": "trc-FET_pet",
        },
    ),
    "PredictGBM's data set": (
        ["P-1/ses-preop/{}", "P-1/ses-followup/{}"],
        [
            "tumor_segmentation/tumor_seg",
            "skull_stripped/t1c_bet_normalized",
            "skull_stripped/flair_bet_normalized",
            "skull_stripped/t1c_bet_mask",
            *(f"tissue_segmentation/{tissue}_pbmap" for tissue in ("wm", "gm", "csf")),
            "1:longitudinal/recurrence_preop",
            "1:tumor_segmentation/tumor_seg",
        ],
        "P-1_ses-preop",
        "brats2024",
        {
            "seg": "ses-preop/tumor_segmentation/tumor_seg",
            "t1c": "t1c_bet_normalized",
            "flair": "flair_bet_normalized",
            "brain": "t1c_bet_mask",
            **{tissue: f"{tissue}_pbmap" for tissue in ("wm", "gm", "csf")},
            "recurrence": "recurrence_preop",
        },
    ),
    "CaPTk": (
        ["case7/{}"],
        ["T1_to_SRI_brain", "T1CE_to_SRI_brain", "FL_to_SRI_brain", "brainTumorMask_SRI", "brainMask_SRI"],
        "case7",
        "captk",
        {
            "t1": "T1_to_SRI_brain",
            "t1c": "T1CE_to_SRI_brain",
            "flair": "FL_to_SRI_brain",
            "seg": "brainTumorMask_SRI",
            "brain": "brainMask_SRI",
        },
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_public_data_sets(tmp_path, name):
    places, files, own, labels, roles = LAYOUTS[name]
    for file in files:
        place, stem = file.split(":") if ":" in file else (0, file)
        path = tmp_path / (places[int(place)].format(stem) + ".nii.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4)), path)
    (patient,) = discover(tmp_path).patients
    assert (patient.id, patient.labels) == (own, labels)
    assert {role: str(path).endswith(f"{roles[role]}.nii.gz") for role, path in patient.files.items()} == dict.fromkeys(
        roles, True
    )
    assert patient.notes == ()


def test_meningiomas_are_no_gliomas(tmp_path):
    case(tmp_path / "BraTS-MEN-00001-000", *(f"BraTS-MEN-00001-000-{s}.nii.gz" for s in ("t1n", "t1c", "t2f", "seg")))
    case(tmp_path / "A", "t1n.nii.gz", "seg.nii.gz")
    patients, warnings = found_in(tmp_path)
    assert [p.id for p in patients] == ["A"]
    assert "BraTS-MEN-00001-000: passed over, as BraTS-MEN and -MET show meningioma and metastases" in warnings[0]


def test_an_automatic_segmentation_of_upenn_is_said(tmp_path):
    case(
        tmp_path / "UPENN-GBM-00002_11",
        *(f"UPENN-GBM-00002_11_{s}.nii.gz" for s in ("T1", "T1GD", "automated_approx_segm")),
    )
    (patient,) = discover(tmp_path).patients
    assert patient.seg.name == "UPENN-GBM-00002_11_automated_approx_segm.nii.gz"
    assert "nobody has corrected" in patient.notes[0]


@pytest.mark.parametrize(
    ("there", "seg", "note"),
    [
        (["dseg"], "sub-01_dseg", "its name does not say of what it is"),
        (["dseg", "label-lesion_mask"], "sub-01_label-lesion_mask", "sub-01_dseg.nii.gz not used"),
        (["desc-aseg_dseg", "label-tumor_roi"], "sub-01_label-tumor_roi", "sub-01_desc-aseg_dseg.nii.gz not used"),
        (["dseg", "desc-tumor_dseg"], "sub-01_desc-tumor_dseg", "sub-01_dseg.nii.gz not used"),
    ],
)
def test_a_segmentation_of_bids_that_does_not_say_of_what(tmp_path, there, seg, note):
    """fMRIPrep's `dseg` is one of tissue."""
    case(tmp_path / "sub-01/anat", *(f"sub-01_{stem}.nii.gz" for stem in ["T1w", *there]))
    (patient,) = discover(tmp_path).patients
    assert patient.seg.name == f"{seg}.nii.gz"
    assert note in " ".join(patient.notes)


@pytest.mark.parametrize("start", ["P1_ses-1_", "P1-ses-1-", "P1_", "ses-1_", ""])
def test_files_below_a_time_point_may_have_the_patients_name(tmp_path, start):
    case(tmp_path / "P1/ses-1", *(f"{start}{role}.nii.gz" for role in ("t1n", "t1c", "t2f", "seg")))
    (patient,) = discover(tmp_path).patients
    assert patient.id == "P1_ses-1"
    assert set(patient.files) == {"t1", "t1c", "flair", "seg"}
    assert patient.notes == ()


def test_names_that_differ_in_capitals_alone_are_two(tmp_path):
    case(tmp_path / "A", "t1n.nii.gz", "T1N.nii.gz", "seg.nii.gz")
    (fault,) = discover(tmp_path).refused.values()
    assert "T1N.nii.gz and t1n.nii.gz could both be its t1" in fault


def test_files_that_systems_hide_are_none(tmp_path):
    case(tmp_path / "A", "t1n.nii.gz", "seg.nii.gz", "._t1n.nii.gz", "._t1c.nii.gz")
    (patient,) = discover(tmp_path).patients
    assert set(patient.files) == {"t1", "seg"}
    assert "._" not in " ".join(patient.notes)
