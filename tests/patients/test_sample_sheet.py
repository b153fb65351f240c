"""Sample sheets: every mistake is one sentence that names where it is."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gliofit.base.errors import InputError
from gliofit.patients.sample_sheet import Patient, read_sample_sheet

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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_sheets_of_spreadsheets(tmp_path, image, encoding):
    """Encodings that spreadsheets write, and the tabs of empty columns at the ends of their lines."""
    folder = tmp_path / "Müller"
    folder.mkdir()
    (folder / "image.nii.gz").write_bytes(image.read_bytes())
    own = folder / "image.nii.gz"
    text = f"{HEADER}\t\t\r\nA\t{own}\t\t\t{own}\t\t\t\r\n\t\t\t\t\t\r\n"
    path = tmp_path / "patients.tsv"
    path.write_bytes(text.encode(encoding))
    (patient,) = read_sample_sheet(path)
    assert (patient.id, patient.t1, patient.seg) == ("A", own, own)


def test_labels_of_a_sheet(tmp_path, image):
    header = f"{HEADER}\tlabels"
    (patient,) = read_sample_sheet(sheet(tmp_path, f"A\t{image}\t\t\t{image}\tedema=1,core=2", header=header))
    assert patient.labels == "edema=1,core=2"
    with pytest.raises(InputError, match=r"line 2: patient A: unknown labels 'brast'; choose brats, brats2018"):
        read_sample_sheet(sheet(tmp_path, f"A\t{image}\t\t\t{image}\tbrast", header=header))


def test_a_link_to_nothing_is_named(tmp_path, image):
    link = tmp_path / "link.nii.gz"
    link.symlink_to(tmp_path / "gone.nii.gz")
    with pytest.raises(InputError, match=r"link.nii.gz: is a link to .*gone.nii.gz, which is not there"):
        read_sample_sheet(sheet(tmp_path, f"A\t{link}\t\t\t{image}"))


def test_quotes_and_words_for_nothing(tmp_path, image):
    """Cells in quotation marks, the header's too, and what BIDS and R write for an empty cell."""
    quoted = "\t".join(f'"{name}"' for name in HEADER.split("\t"))
    (patient,) = read_sample_sheet(sheet(tmp_path, f'"A"\t"{image}"\tn/a\tNA\t"{image}"', header=quoted))
    assert patient == Patient("A", t1=image, seg=image)


def test_yes_in_capitals(tmp_path, image):
    (patient,) = read_sample_sheet(sheet(tmp_path, f"A\t{image}\t\t\t{image}\tYES", header=f"{HEADER}\traw"))
    assert patient.raw == "yes"
