"""What a run makes, from its config alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from gliofit.base.errors import InputError
from gliofit.patients.sample_sheet import Patient
from gliofit.pipeline import recurrences
from gliofit.pipeline.config import MADE, load_config
from gliofit.pipeline.plan import REFERENCE, Plan
from gliofit.pipeline.weights import Weights

ROOT = Path(__file__).parents[2]

SHEET = {
    "synthetic_1": Patient("synthetic_1", seg=Path(f"{MADE}synthetic_1/seg.nii.gz")),
    # the name alone makes no patient an in-silico one
    "synthetic_look": Patient("synthetic_look", seg=Path("scans/seg.nii.gz")),
}


def plan(sheet=SHEET, root=ROOT, **changes) -> Plan:
    """Of the default config with some sections changed."""
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(value, dict) and key != "methods" else value
    config = load_config(values)
    return Plan(config, sheet, Weights.of(config, root))


def test_tables_are_those_of_the_sets_that_have_cases():
    made = plan(test_cases={"unseen_anatomy": 5, "out_of_range": 2})
    assert list(made.tables) == ["1", "2", "2_mni152", "2_edge", "2_beyond", "3"]
    assert made.weidner["1_edge"] == (1, "edge")  # can be asked for
    assert made.table_keys(made.tables) == [1, 2, (2, "mni152"), (2, "edge"), (2, "beyond"), 3]
    assert list(plan(test_cases={"unseen_anatomy": 0}).tables) == ["1", "2", "3"]


def test_without_patients_nothing_is_made_of_them():
    made = plan(sheet={})
    assert "patients" not in made.sets
    assert "3" not in made.tables
    assert "4" not in made.figures
    assert made.clinical_tables == {}


def test_with_the_reference_alone_there_is_nothing_to_compare():
    made = plan(methods={REFERENCE: None})
    assert made.compared == []
    assert "patients" not in made.sets
    assert made.weights.needed == []
    assert made.weights.surrogates.keys() == {"weidner"}
    assert (made.on_page, made.shown) == (REFERENCE, REFERENCE)
    assert made.in_silico == {}
    assert made.gliodil_tables == {}


def test_cases_are_shared_out_to_jobs_without_loss():
    made = plan(test_cases={"number": 7, "per_job": 3, "at_most": {}})
    folder = "results/cases/sri24/direct"
    assert made.fits_to_cases("sri24", "direct") == [f"{folder}/{part}.json" for part in ("0-2", "3-5", "6-6")]
    made = plan(samples={"train": 11, "shards": 3})
    assert [made.shard_size("train", f"{i}-of-3") for i in (1, 2, 3)] == [4, 4, 3]


def test_fits_of_a_set_come_with_their_anatomy():
    made = plan(methods={REFERENCE: None, "direct": None}, test_cases={"at_most": {REFERENCE: 25}})
    assert made.fits("sri24")[0] == (
        "results/anatomy/sri24/wm.nii.gz",
        f"results/cases/sri24/{REFERENCE}/0-24.json",
    )
    assert made.fits("patients") == [
        (f"results/{patient}/prepared/wm.nii.gz", f"results/table3/{patient}/direct.json") for patient in SHEET
    ]


def test_in_silico_patients_are_told_by_where_they_come_from():
    made = plan()
    assert made.notes("synthetic_1")[0].startswith("Synthetic")
    assert made.notes("synthetic_look") == []
    assert made.synthetic_seed("synthetic_2") == made.config.seeds.patients + 2
    assert made.synthetic_seed("synthetic") == made.config.seeds.patients


def test_a_method_of_gliodils_patients_that_is_taken_out_is_passed_over():
    given = {"number": 1, "methods": {"gliodil": ["mri"], "gauss_newton": ["mri", "mri_pet"]}}
    made = plan(methods={"gauss_newton": None}, gliodil_synthetic=given)
    assert list(made.in_silico) == ["gauss_newton/mri", "gauss_newton/mri_pet"]
    assert len(made.in_silico_fits) == 4
    assert made.in_silico_titles["gauss_newton/mri_pet"].endswith(", MRI + PET")


def test_rows_of_the_surrogates_tables():
    made = plan(device="cuda", test_cases={"unseen_anatomy": 1})
    assert made.error_rows["weidner_mni152"] == ("weidner", "mni152")
    assert set(made.time_rows.values()) == {
        (model, device) for model in ("solver", "surrogate", "weidner") for device in ("cpu", "cuda")
    }
    assert made.forward_titles["surrogate_time"]["solver_cpu"] == "solver, cpu"


def test_the_page_shows_no_scan():
    made = plan()
    assert "4" in made.report_figures
    assert "4" not in made.page_figures


def test_released_weights_are_used_and_missing_ones_trained(tmp_path):
    made = plan(root=ROOT).weights
    assert made.trained == []
    assert made.path("surrogate").endswith("resources/weights/surrogate.safetensors")
    trained = plan(train=True).weights
    assert trained.trained == trained.needed
    assert trained.path("surrogate") == "results/networks/surrogate/weights.safetensors"
    assert trained.logs["surrogate"] == "results/networks/surrogate/training.csv"
    # without released weights those that are not optional are trained
    bare = plan(root=tmp_path, networks={"compared": {}}).weights
    assert "surrogate" in bare.trained
    assert "inverse_segmentation" not in bare.trained


def test_nnunet_is_trained_without_shards(monkeypatch):
    """It learns from patients, and its loss is in no figure of mean squared errors."""
    monkeypatch.setattr("gliofit.base.extras.find_spec", lambda name: object())
    made = plan(root=ROOT, methods={"nnunet": {}, "gauss_newton": {}}).weights
    assert made.trained == ["nnunet"]
    assert made.on_shards == []
    assert "nnunet" not in made.logs
    assert made.of_method("nnunet") == ["results/networks/nnunet/weights.safetensors"]


def test_named_weights_must_be_of_the_role_and_the_grid(tmp_path):
    def named(**card) -> Weights:
        path = tmp_path / "mine.safetensors"
        path.touch()
        path.with_suffix(".json").write_text(json.dumps({"role": "surrogate", "spacing": 2.0} | card))
        return plan(networks={"released": {"surrogate": str(path)}, "compared": {}}).weights

    assert named().path("surrogate").endswith("mine.safetensors")
    with pytest.raises(InputError, match=r"released\.surrogate: .*is a network of role 'inverse'"):
        named(role="inverse")
    with pytest.raises(InputError, match=r"released\.surrogate: .*is for spacing: 4"):
        named(spacing=4.0)
    with pytest.raises(InputError, match=r"networks\.compared: .*no such weights with a card"):
        plan(networks={"compared": {"other": "none.safetensors"}})


def test_surrogates_of_another_grid_are_not_compared():
    assert "weidner" in plan().weights.surrogates
    assert "weidner" not in plan(spacing=4, train=True).weights.surrogates


def test_the_cohort_is_fitted_by_the_methods_that_are_left():
    given = {"number": 3, "methods": {"gliodil": [1], "gauss_newton": [1, "auto"]}, "at_most": {"gauss_newton": 2}}
    made = plan(methods={"gauss_newton": None}, cohort=given)
    assert list(made.cohort.fits) == ["gauss_newton/1", "gauss_newton/auto"]
    assert made.cohort.scores == [
        *(f"results/cohort/{index}/{sought}/gauss_newton.scores.json" for sought in ("1", "auto") for index in (0, 1)),
        # what no fit should beat
        *(f"results/cohort/{index}/truth.scores.json" for index in range(3)),
    ]
    assert made.cohort.rows["gauss_newton/auto"].endswith(", foci found")
    assert plan(cohort={"number": 0}).cohort.tables == {}
    assert plan(cohort={"methods": {"gauss_newton": []}}).cohort.rows == {}
    assert plan(cohort={"methods": {"gauss_newton": []}}).cohort.scores == []


def test_the_cohorts_fits_have_the_configs_growth_model():
    assert plan().cohort.model("auto") == {"name": "fisher_kolmogorov", "foci": "auto"}
    assert plan().cohort.model("1") == {"name": "fisher_kolmogorov", "foci": 1}
    ratio = plan(growth_model="fisher_kolmogorov_ratio", methods={"gauss_newton": None})
    assert ratio.cohort.model("1") == {"name": "fisher_kolmogorov_ratio"}


def test_every_row_of_every_table_has_a_title():
    made = plan()
    titles = recurrences.row_titles(made)
    rows = [*recurrences.MARGINS, *made.methods, *made.in_silico, *made.cohort.rows, *made.error_rows, *made.time_rows]
    assert len(rows) > 30
    assert set(rows) <= set(titles)
