"""What a change makes run again, by the provenance that Snakemake keeps."""

from __future__ import annotations

import time

CONFIG = ("--configfile", "tiny.yaml")
DOWNSTREAM = {"score", "collect_metrics", "table", "figure_errors", "figure_patients", "picture_fit", "html_report"}
DOWNSTREAM |= {"model_plan", "collect_scores", "table_patients", "deviation", "patient_page"}
DOWNSTREAM |= {"fit_gliodil_patient", "collect_gliodil_scores", "table_gliodil", "figure_gliodil"}
DOWNSTREAM |= {"fit_cohort_patient", "collect_cohort_scores", "table_cohort"}
DOWNSTREAM |= {"compare_plans", "figure_failures", "record_run", "results_page"}


def edit(path) -> None:
    """Add a comment: other content, a later time."""
    time.sleep(0.05)
    path.write_text(path.read_text() + "\n# edited\n")


def test_a_finished_run_has_nothing_to_do(finished):
    assert finished.planned(*CONFIG) == []


def test_a_methods_setting_reruns_only_that_methods_jobs(finished):
    (finished.folder / "other.yaml").write_text("methods: {gauss_newton: {iterations: 7}}\n")
    jobs = finished.planned(*CONFIG, "other.yaml")
    fits = [outputs for rule, outputs in jobs if rule in ("fit_cases", "fit_patient", "fit_reference")]
    assert len(fits) == 5  # one chunk of cases, two patients by their segmentation, two by the reference
    assert all("gauss_newton" in outputs for outputs in fits)
    plans = [outputs for rule, outputs in jobs if rule == "model_plan"]
    assert len(plans) == 2
    assert all("gauss_newton" in outputs for outputs in plans)
    assert [rule for rule, _ in jobs].count("score") == 2  # of the cases and of the patients, all methods at once
    assert {rule for rule, _ in jobs} <= {
        "fit_cases",
        "fit_patient",
        "fit_reference",
        "save_config",
        "all",
    } | DOWNSTREAM


def test_editing_a_figure_redraws_it_and_simulates_nothing(finished):
    edit(finished.folder / "src/gliofit/reporting/figures/errors.py")
    rules = {rule for rule, _ in finished.planned(*CONFIG)}
    assert "figure_errors" in rules
    assert not rules & {"simulate_shard", "train_network", "fit_cases", "fit_patient", "score", "prepare_patient"}


def test_editing_the_style_remakes_the_pages_that_it_is_in(finished):
    path = finished.folder / "src/gliofit/reporting/templates/style.css"
    before = path.read_text()
    edit(path)
    rules = {rule for rule, _ in finished.planned(*CONFIG)}
    path.write_text(before)
    assert rules == {"patient_page", "html_report", "all"}


def test_editing_the_solver_reruns_the_simulations_and_no_registration(finished):
    edit(finished.folder / "src/gliofit/growth/schedule.py")
    rules = {rule for rule, _ in finished.planned(*CONFIG)}
    assert {"simulate_shard", "draw_cases", "train_network", "fit_cases", "score"} <= rules
    assert not rules & {"atlas", "download_sri24"}
