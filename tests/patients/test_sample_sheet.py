"""Sample sheets and BraTS folders: every mistake is one sentence that names where it is."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gliofit.base.errors import InputError
from gliofit.patients.sample_sheet import Patient, discover_brats, in_atlas_space, read_sample_sheet

HEADER = "id\tt1\tt1c\tflair\tseg"


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4)), path)
    return path


def sheet(folder, *rows: str, header: str = HEADER):
    path = folder / "patients.tsv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_reads_rows_comments_and_optional_columns(tmp_path, image):
    rows = ["# a comment", "", f"A_1\t{image}\t\t\t{image}\t\tgliodil", f"B-2\t\t\t\t{image}\t{image}"]
    first, second = read_sample_sheet(sheet(tmp_path, *rows, header=f"{HEADER}\tfet\tlabels"))
    assert first == Patient("A_1", t1=image, seg=image, labels="gliodil")
    assert second.fet == image
    assert second.labels == "brats"
    assert (first.anatomy, second.anatomy) == ("registration", "atlas")
    assert Patient(**first.to_dict()) == first


def test_a_sheet_without_patients_is_empty(tmp_path):
    assert read_sample_sheet(sheet(tmp_path)) == []


def test_relative_paths_are_also_sought_under_root(tmp_path, image):
    path = sheet(tmp_path, "A\timage.nii.gz\t\t\timage.nii.gz")
    assert read_sample_sheet(path, root=tmp_path)[0].t1 == image


def test_files_that_the_pipeline_makes_need_not_exist(tmp_path):
    path = sheet(tmp_path, "synthetic-1\tresults/a/t1n.nii.gz\t\t\tresults/a/seg.nii.gz")
    assert read_sample_sheet(path)[0].id == "synthetic-1"
    with pytest.raises(InputError, match=r"line 2: t1 of patient synthetic-1, .*no such file"):
        read_sample_sheet(path, made=("other/",))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("A B\t{i}\t\t\t{i}", r"line 2: patient id 'A B' may only have"),
        ("../A\t{i}\t\t\t{i}", r"patient id '\.\./A'"),
        ("{{x}}\t{i}\t\t\t{i}", r"patient id '\{\{x\}\}'"),
        ("\t{i}\t\t\t{i}", r"line 2: the id is empty"),
        ("A\t/nowhere/t1.nii.gz\t\t\t{i}", r"line 2: t1 of patient A, /nowhere/t1.nii.gz: no such file"),
        ("A\t{i}\t\t\t", r"line 2: patient A has no segmentation"),
        ("A\t{i}\t\t\t{i}\textra", r"line 2: has 6 cells, but the header has 5"),
        ("A\t{i}\t\t\t{i}\nB\t{i}\t\t\t{i}\nA\t{i}\t\t\t{i}", r"line 4: patient id A is already in use"),
    ],
)
def test_wrong_rows(tmp_path, image, row, fault):
    with pytest.raises(InputError, match=fault) as caught:
        read_sample_sheet(sheet(tmp_path, *(row.replace("{i}", str(image)).split("\n"))))
    assert "\n" not in str(caught.value)
    assert "patients.tsv" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("id\tt1\tt1c\tflair", r"the column seg is missing"),
        ("id,t1,t1c,flair,seg", r"the column id is missing \(is it tab-separated\?\)"),
        (f"{HEADER}\tage", r"unknown column 'age'"),
        (f"{HEADER}\tseg", r"the column seg is there twice"),
    ],
)
def test_wrong_headers(tmp_path, header, fault):
    with pytest.raises(InputError, match=fault):
        read_sample_sheet(sheet(tmp_path, header=header))


def test_one_tissue_map_is_not_enough(tmp_path, image):
    path = sheet(tmp_path, f"A\t\t\t\t{image}\t{image}", header=f"{HEADER}\twm")
    with pytest.raises(InputError, match="not both wm and gm"):
        read_sample_sheet(path)


def test_missing_sheet(tmp_path):
    with pytest.raises(InputError, match=r"none\.tsv: no such file"):
        read_sample_sheet(tmp_path / "none.tsv")


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
    patients, warnings = discover_brats(tmp_path)
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
    case(tmp_path / "two", "t1n.nii.gz", "seg.nii.gz", "recurrence_1.nii.gz", "recurrence_2.nii.gz")
    found = {p.id: p for p in discover_brats(tmp_path)[0]}
    names = {column: path.name for column, path in found["PET"].files.items()}
    assert (names["seg"], names["whole"]) == ("tumT1c.nii.gz", "tumFLAIR.nii.gz")
    assert (found["PET"].labels, found["words"].labels) == ("gliomasolver", "brats")
    assert names["fet"] == "tumPET.nii.gz"
    assert found["PET"].anatomy == "maps"
    assert found["words"].recurrence.name == "words_recurrence_preop.nii.gz"
    assert found["words"].fet.name == "fet_static.nii"
    assert found["two"].recurrence is None


def test_incomplete_cases_are_named_and_passed_over(tmp_path):
    case(tmp_path / "good", "t1n.nii.gz", "seg.nii.gz")
    case(tmp_path / "no_seg", "t1n.nii.gz", "t1c.nii.gz", "t2f.nii.gz")
    case(tmp_path / "no_t1", "t2f.nii.gz", "seg.nii.gz")
    case(tmp_path / "only_t1c", "t1c.nii.gz", "seg.nii.gz")
    case(tmp_path / "one_map", "t1.nii.gz", "wm.nii.gz", "seg.nii.gz")
    patients, warnings = discover_brats(tmp_path)
    assert {p.id: p.anatomy for p in patients} == dict.fromkeys(("good", "one_map", "only_t1c"), "registration")
    assert any("no_seg: passed over, as it has no segmentation" in w for w in warnings)
    assert any("no_t1: passed over, as it has no T1" in w for w in warnings)
    assert any("only_t1c: has no T1" in w for w in warnings)


def test_a_case_in_atlas_space_can_do_without_t1(tmp_path):
    affine = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
    case(tmp_path / "A", "seg.nii.gz", shape=(240, 240, 155), affine=affine)
    patients, warnings = discover_brats(tmp_path)
    assert patients[0].anatomy == "atlas"
    assert "no T1" in warnings[0]
    assert in_atlas_space(patients[0].seg)


def test_folders_that_cannot_serve(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        discover_brats(tmp_path / "none")
    with pytest.raises(InputError, match="holds no BraTS case"):
        discover_brats(tmp_path)
    case(tmp_path / "A 1", "t1n.nii.gz", "seg.nii.gz")
    with pytest.raises(InputError, match="patient id 'A 1'"):
        discover_brats(tmp_path)


def test_the_same_id_twice(tmp_path):
    for grade in ("HGG", "LGG"):
        case(tmp_path / grade / "A", "t1n.nii.gz", "seg.nii.gz")
    with pytest.raises(InputError, match="another folder"):
        discover_brats(tmp_path)
