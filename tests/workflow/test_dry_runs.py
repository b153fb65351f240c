"""What each config plans, and how mistakes end: before any job, in one sentence, with a status that is not 0."""

from __future__ import annotations

from collections import Counter

import nibabel as nib
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("config", "shards", "trained", "made", "cohort"),
    # by default the released networks are used, so that nothing is simulated for them or trained
    [("config", 0, 0, 1, 3), ("quick", 3, 4, 1, 1), ("paper", 281, 4, 50, 3)],
)
def test_each_scale_plans_every_stage(clone, config, shards, trained, made, cohort):
    jobs = Counter(rule for rule, _ in clone.planned("--configfile", f"config/{config}.yaml"))
    assert jobs["simulate_shard"] == shards
    assert jobs["train_network"] == trained
    assert jobs["fit_cases"] > 8
    assert jobs["fit_patient"] == 2 * (jobs["fit_reference"] // 2 + 1)
    assert jobs["table"] >= 3
    assert jobs["standard_plan"] == 2
    assert jobs["model_plan"] == jobs["fit_patient"]
    assert jobs["table_patients"] == 1
    assert jobs["gliodil_patient"] == 2 * made
    assert 2 <= jobs["fit_gliodil_patient"] <= 8 * made
    assert jobs["table_gliodil"] == 2
    assert jobs["cohort_patient"] == cohort
    assert 4 * cohort <= jobs["fit_cohort_patient"] <= 9 * cohort
    assert jobs["table_cohort"] == jobs["figure_cohort"] == 1
    # by default two of eight are released; the quick run has one growth model
    assert jobs["train_lmi"] == {"config": 6, "quick": 4, "paper": 8}[config]
    assert jobs["table_lmi"] == jobs["figure_lmi_errors"] == jobs["figure_lmi_learning"] == 1
    assert jobs["figure_lmi_examples"] == 2
    assert jobs["html_report"] == 1
    assert jobs["all"] == 1


def test_one_patient_by_one_method_needs_no_tables(clone):
    target = "results/synthetic_1/gauss_newton.nii.gz"
    rules = {rule for rule, _ in clone.planned("--configfile", "config/quick.yaml", "--", target)}
    assert rules == {"download_sri24", "atlas", "synthetic_patient", "check_patient", "prepare_patient", "fit_patient"}


def test_methods_run_on_the_weights_that_the_config_names(clone):
    named = "networks={released: {surrogate: resources/weights/weidner.safetensors}}"
    done = clone.snakemake("--dry-run", "results/cases/sri24/gb_surrogate/0-49.json", "--config", named)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "resources/weights/weidner.safetensors" in done.stdout + done.stderr
    assert "resources/weights/surrogate.safetensors" not in done.stdout + done.stderr


def write_case(folder, **changes):
    """A BraTS-like case: headers are all that is looked at before a run."""
    folder.mkdir(parents=True)
    for name in ("t1n", "t1c", "t2f", "seg"):
        shape, affine = changes.get(name, ((8, 8, 8), np.eye(4)))
        nib.save(nib.Nifti1Image(np.ones(shape, np.uint8), affine), folder / f"{name}.nii.gz")


def test_a_folder_of_brats_cases_adds_patients(clone, tmp_path):
    write_case(tmp_path / "cases" / "case_7")
    arguments = ["--config", f"brats_dir={tmp_path / 'cases'}", "--", "results/case_7/gauss_newton.nii.gz"]
    assert "fit_patient" in {rule for rule, _ in clone.planned("--configfile", "tiny.yaml", *arguments)}


@pytest.mark.parametrize("dicom", [True, False])
def test_a_page_shows_plans_in_dicom_where_they_are_asked_for(clone, dicom):
    targets = ["results/synthetic_1/page.html", *["results/synthetic_1/dicom"] * dicom]
    rules = {rule for rule, _ in clone.planned("--configfile", "tiny.yaml", "--", *targets)}
    assert ("picture_dicom" in rules) == dicom


def test_raw_scans_are_brought_in_first(clone, tmp_path):
    """A folder of DICOM, and no segmentation but a command that makes one."""
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "1").write_text("its headers are read in the job")
    sheet = tmp_path / "patients.tsv"
    sheet.write_text(f"id\tt1\tt1c\tflair\tseg\nraw_1\t\t{tmp_path / 'dicom'}\t\t\n")
    settings = [f"patients={sheet}", "segment=cat {t1c} {output}"]
    arguments = ["--config", *settings, "--", "results/raw_1/gauss_newton.nii.gz"]
    planned = [rule for rule, _ in clone.planned("--configfile", "tiny.yaml", *arguments)]
    assert {"bring_in", "check_patient", "prepare_patient", "fit_patient"} <= set(planned)


SHEET = "id\tt1\tt1c\tflair\tseg\n"
MADE = "\t".join(f"results/synthetic/a/{name}.nii.gz" for name in ("t1n", "t1c", "t2f", "seg"))


def test_a_fault_in_the_sample_sheet_ends_before_the_run(clone, tmp_path):
    path = tmp_path / "patients.tsv"
    path.write_text(f"{SHEET}a b\t{MADE}\n")
    check_refused(
        clone.snakemake("--dry-run", "--config", f"patients={path}"), "patient id 'a b' may only have letters"
    )


def test_images_that_do_not_fit_end_the_run_where_no_patient_is_left(clone, tmp_path):
    """Beside others, such a patient's own check fails, and the others run (tests/patients)."""
    write_case(tmp_path / "cases" / "case_7", t1c=((8, 8, 9), np.eye(4)))
    done = clone.snakemake("--dry-run", "--config", f"brats_dir={tmp_path / 'cases'}", "patients=null")
    check_refused(done, "t1c.nii.gz: shape (8, 8, 9) differs from (8, 8, 8)")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("atals=sri24", "unknown key 'atals'; did you mean 'atlas'?"),
        ("networks={released: {surrogate: no.safetensors}}", "no.safetensors: no such weights with a card beside them"),
        (
            "networks={released: {surrogate: resources/weights/inverse.safetensors}}",
            "networks.released.surrogate: resources/weights/inverse.safetensors: is a network of role 'inverse'",
        ),
        ("segment=no_such_program {output}", "segment: there is no program 'no_such_program'"),
        ("methods={'hybrid': {'iterations': -3}}", "methods.hybrid.iterations = -3 must be finite and not negative"),
    ],
)
def test_a_fault_in_the_config_ends_before_the_run(clone, setting, message):
    check_refused(clone.snakemake("--dry-run", "--config", setting), message)


def check_refused(done, message: str) -> None:
    shown = done.stdout + done.stderr
    assert done.returncode != 0
    assert shown.count("Error") == 1, shown
    line = next(line for line in shown.splitlines() if line.startswith("Error: "))
    assert message in line
    assert "Traceback" not in shown
    assert "Job stats" not in shown
