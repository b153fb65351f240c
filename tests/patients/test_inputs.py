"""
Input that people have and that must not go wrong in silence: each case ends right, in a warning or in one sentence.

docs/inputs.md shows what is said. After a change, `GLIOFIT_WRITE_DOCS=1 pytest tests/patients/test_inputs.py` writes
its tables anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from heads import INPUTS, Input

from gliofit.base.errors import InputError
from gliofit.patients.discovery import discover
from gliofit.patients.scan_set import Scans
from gliofit.patients.scans import load_scans

DOCS = Path(__file__).parents[2] / "docs" / "inputs.md"
WRITE = "GLIOFIT_WRITE_DOCS"

SHARED = {
    ("good", ""): ("right", ""),
    ("cavity", ""): ("error", "cannot be told apart; say labels 'brats2021' or 'brats2024'"),
    ("cavity", "brats2024"): ("warning", "has no tumour core"),
    ("cavity", "brats2021"): ("right", ""),
    ("cavity_and_rest", ""): ("error", "has labels 3 and 4.*'brats2024'"),
    ("cavity_and_rest", "brats2024"): ("right", ""),
    ("hdglio", ""): ("warning", "edema makes only 6%.*'hd_glio'"),
    ("hdglio", "hd_glio"): ("right", ""),
    ("hdglio", "edema=1,core=2"): ("right", ""),
    ("nnunet", ""): ("warning", "edema makes only 4%.*'nnunet_task01'"),
    ("nnunet", "nnunet_task01"): ("right", ""),
    ("whole_as_seg", ""): ("warning", "belongs in the column 'whole'"),
    ("scaled_labels", ""): ("warning", "label 4 is taken as enhancing tumour"),
    ("scaled_labels", "brats2021"): ("right", ""),
    ("identity_affine", ""): ("warning", "its affine is an identity"),
    ("slice_distance_lost", ""): ("warning", "0.35 times that of an adult's, it has 634 ml"),
    ("mirrored_segmentation", ""): ("warning", "its mirror image has it .1.82, left and right exchanged"),
    ("little_shear", ""): ("warning", "they were straightened, by 0.012 voxels"),
    ("z_scored", ""): ("warning", "taken as brain .1896 ml"),
    ("z_scored_no_maps", ""): ("warning", "taken as brain .1896 ml"),
    ("skull_on", ""): ("error", "a brain of 2799 ml is none; is the scan skull-stripped"),
    ("fets_in_a_name", ""): ("warning", "case_fets_singlet_seg.nii.gz not used"),
    ("two_segmentations", ""): ("error", "seg.nii.gz and two_segmentations_seg.nii.gz could both be its seg"),
    ("whole_probability", ""): ("error", "whole.nii.gz: is no mask"),
    ("four_d_t1", ""): ("error", "t1n.nii.gz: has 4 dimensions"),
    ("rgb_segmentation", ""): ("error", "seg.nii.gz: holds colours"),
}
"""Case of ../shared/inputs and `labels` → what it ends in, and words of what is said."""

CORE_ML = {"cavity": None, "hdglio": None, "nnunet": None, "whole_as_seg": None, "slice_distance_lost": None}
"""Cases that do not show the true core of 71.9 ml unless their labels are said, or their voxels lost."""


def result_of(folder: Path, labels: str = "") -> tuple[str, str, Scans | None]:
    """What a folder with one case ends in (right, warning, error), what is said, and the scans as they were read."""
    try:
        found = discover(folder, labels or None)
        if found.refused:
            raise InputError(next(iter(found.refused.values())))
        scans = load_scans(found.patients[0])
    except InputError as error:
        return "error", str(error), None
    return ("warning" if scans.warnings else "right"), "\n".join(scans.warnings), scans


def in_millilitres(scans: Scans) -> str:
    sizes = {"core": scans.core, "whole tumour": scans.whole, "cavity": scans.cavity, "brain": scans.brain}
    shown = {name: float(mask.sum()) * scans.millilitres for name, mask in sizes.items() if mask.any()}
    return ", ".join(
        f"{name} {value:.1f} ml" if value < 1000 else f"{name} {value:.0f} ml" for name, value in shown.items()
    )


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"


def written(section: str, header: list[str], rows: list[list[str]]) -> None:
    """A table of docs/inputs.md is what the cases say today; with `WRITE` in the environment it is made so."""
    table = "\n".join([row(header), "|" + "---|" * len(header), *map(row, rows)])
    text = DOCS.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {section} -->\n).*?(\n<!-- end of {section} -->)", re.DOTALL)
    assert marks.search(text), f"docs/inputs.md has no place for {section}"
    new = marks.sub(lambda found: found[1] + table + found[2], text)
    if os.environ.get(WRITE):
        DOCS.write_text(new, encoding="utf-8")
    assert new == text or os.environ.get(WRITE), f"docs/inputs.md is not what is said today; run this with {WRITE}=1"


@pytest.fixture(scope="module")
def own_results(tmp_path_factory):
    """Every case of heads.py, read once."""
    results = {}
    for given in INPUTS:
        folder = tmp_path_factory.mktemp("input")
        given.write(folder)
        outcome, said, scans = result_of(folder, given.labels)
        results[given.name] = outcome, said.replace(f"{folder}/", ""), scans
    return results


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: given.name)
def test_members_of_every_kind(own_results, given: Input):
    outcome, said, _ = own_results[given.name]
    assert re.fullmatch(given.outcome, outcome), said
    assert re.search(given.says, said, re.DOTALL)
    if outcome == "error":
        assert "\n" not in said


def test_what_is_right_shows_the_same_tumour(own_results):
    true = own_results["good"][2]
    for given in INPUTS:
        scans = own_results[given.name][2]
        same_voxels = given.outcome == "right" and not scans.cavity.any()
        if same_voxels:
            assert scans.core.sum() == true.core.sum(), given.name
            assert scans.whole.sum() == true.whole.sum(), given.name
            assert scans.brain.sum() == pytest.approx(true.brain.sum(), rel=0.01), given.name


@pytest.mark.parametrize("name", ["cavity of 2024, said", "cavity spelled out"])
def test_a_cavity_is_neither_core_nor_edema(own_results, name):
    scans, true = own_results[name][2], own_results["good"][2]
    assert scans.cavity.any()
    assert not (scans.cavity & scans.whole).any()
    assert not (scans.cavity & ~scans.brain).any()
    assert ((scans.cavity | scans.core) == true.core).all()


@pytest.mark.parametrize(
    "name",
    ["z-scores", "background of 100", "background of -1", "background of the least z-score", "skull on, with a mask"],
)
def test_a_brain_is_whole_whatever_surrounds_it(own_results, name):
    assert own_results[name][2].brain.sum() == pytest.approx(own_results["good"][2].brain.sum(), rel=0.01)


def test_the_page_shows_what_is_said(own_results):
    rows = []
    for given in INPUTS:
        outcome, said, scans = own_results[given.name]
        rows.append(
            [
                given.kind,
                given.name,
                f"`{given.labels}`" if given.labels else "",
                outcome,
                said or in_millilitres(scans),
            ]
        )
    written("cases of the tests", ["kind", "case", "labels", "ends in", "what is said"], rows)


@pytest.fixture(scope="module")
def shared_results(shared, tmp_path_factory):
    """The cases of ../shared/inputs, made by its own generator."""
    generator = shared / "inputs" / "make_inputs.py"
    if not generator.is_file():
        pytest.skip("needs the shared inputs (set GLIOFIT_SHARED); the folder is not here")
    folder = tmp_path_factory.mktemp("shared")
    subprocess.run([sys.executable, str(generator), str(folder)], check=True, capture_output=True)
    assert {path.name for path in folder.iterdir()} == {name for name, _ in SHARED}
    results = {}
    for name, labels in SHARED:
        outcome, said, scans = result_of(folder / name, labels)
        results[name, labels] = outcome, said.replace(f"{folder}/{name}/", ""), scans
    return results


@pytest.mark.parametrize("case", SHARED, ids=lambda case: " ".join(case).strip())
def test_shared_inputs(shared_results, case):
    outcome, said, scans = shared_results[case]
    expected, words = SHARED[case]
    assert outcome == expected, said
    assert re.search(words, said)
    name, labels = case
    if scans is not None and (name not in CORE_ML or (labels and outcome == "right")):
        left = float(scans.cavity.sum()) * scans.millilitres
        assert float(scans.core.sum()) * scans.millilitres + left == pytest.approx(71.9, abs=0.1)
        assert float(scans.whole.sum()) * scans.millilitres + left == pytest.approx(145.1, abs=0.1)
        assert float(scans.brain.sum()) * scans.millilitres == pytest.approx(1892, rel=0.01)


def test_the_page_shows_what_is_said_of_the_shared_inputs(shared_results):
    rows = []
    for (name, labels), (outcome, said, scans) in shared_results.items():
        config = f"brats_dir=FOLDER/{name} patients=" + (f" labels={labels}" if labels else "")
        rows.append([f"`--config {config}`", outcome, said or in_millilitres(scans)])
    written("shared inputs", ["command", "ends in", "what is said"], rows)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BraTS18_2013_11_1", []),
        ("BraTS18_CBICA_AQN_1", []),
        ("BraTS18_TCIA01_201_1", []),
        ("TCGA-FG-6692", []),
        ("GliODIL-data_001", ["has no T1", "is a mask without parts"]),
        ("Lipkova-PET", ["its affine is an identity", "with front and back exchanged"]),
    ],
)
def test_no_false_alarm_on_real_patients(shared, name, expected):
    """What is said of the last two is so: no T1, a binary recurrence, a header without orientation (it is wrong)."""
    (patient,) = discover(shared / "patients" / name).patients
    warnings = load_scans(patient).warnings
    assert len(warnings) == len(expected)
    for warning, words in zip(warnings, expected, strict=True):
        assert words in warning
