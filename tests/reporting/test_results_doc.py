"""The page of results: sentences that follow from the tables, and the paper's numbers as it prints them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread, imsave

from gliofit.base.errors import InputError
from gliofit.base.versions import Source
from gliofit.evaluation.metrics import tidy
from gliofit.evaluation.run_record import Part, RunRecord, load_run
from gliofit.reporting import results_doc as results_page
from gliofit.reporting.results_doc.words import faster, level, scientific, times
from gliofit.reporting.tables import tidy as tables
from gliofit.reporting.tables.published import published

HERE = Source("0123456789abcdef", False, "aaaa")
EARLIER = Source("fedcba9876543210", True, "bbbb")
TITLES = {"direct": "Direct", "gb_surrogate": "GB surrogate", "hybrid": "Hybrid"}


def test_published_numbers_are_the_papers():
    paper = published().set_index(["table", "method", "metric"])
    assert paper.loc[(2, "hybrid", "mse")].tolist()[:3] == [500, 1.35e-3, 0.19e-3]
    assert paper.loc[(2, "cmaes_solver", "minutes"), "mean"] == 2300
    assert paper.loc[(2, "cmaes_solver", "ncc")].tolist()[:3] == [25, 0.895, 0.037]
    assert paper.loc[(3, "gliodil", "mae_norm")].tolist()[:3] == [75, 6.75e-8, 0.4e-8]
    # printed as "27.0 ×10⁻³ %": a relative error of 2.7 %
    assert paper.loc[(1, "gb_surrogate", "growth_mae"), "median"] == 0.027
    assert np.isnan(paper.loc[(1, "direct", "origin_mse"), "se"])
    assert len(paper) == 6 * 4 + 6 * 5 + 6 * 7
    assert paper["mean"].notna().all()


@pytest.fixture
def results(tmp_path):
    """Tables of a run in which the hybrid is ten times better than the others, and the surrogate slower alone only."""
    rows = []
    for case in range(12):
        for method, scale in (("direct", 1e-2), ("gb_surrogate", 1e-2), ("hybrid", 1e-3)):
            values = {
                "mse": scale * (1 + 0.1 * (-1) ** case),
                "ncc": 0.99,
                "minutes": 0.1,
                "cpu_seconds": 5.0,
                "growth_mae": 0.05,
                "true_mu_D": 10.0 + case,
                "true_mu_rho": 3.0,
                "true_volume": 50.0,
            }
            rows.append(tidy(f"sri24-{case}", "sri24", method, values))
        times = {"ms_1": 20.0, "ms_gradient_1": 60.0, "ms_8": 20.0, "ms_gradient_8": 60.0}
        rows.append(tidy(f"sri24-{case}", "forward", "solver_cpu", times))
        rows.append(tidy(f"sri24-{case}", "forward", "surrogate_cpu", times | {"ms_1": 50.0, "ms_8": 5.0}))
        for name, mse in (("surrogate", 9e-4), ("weidner", 1.8e-3)):
            for cases, factor in (("sri24", 1), ("mni152", 2)):
                errors = {"mse_crop": factor * mse * (1 + 0.1 * (-1) ** case), "mse_relative": 0.02}
                rows.append(tidy(f"{cases}-{case}", "forward", f"{name}_{cases}", errors))
    metrics = pd.concat(rows)
    metrics.to_csv(tmp_path / "metrics.csv", index=False)
    metrics[metrics["set"] == "forward"].to_csv(tmp_path / "forward.csv", index=False)
    for number in (1, 2):
        tables.write_table(number, metrics, tmp_path / f"tables/weidner_table{number}", TITLES, titles=TITLES)
    models = {"solver_cpu": "solver, cpu", "surrogate_cpu": "surrogate, cpu"}
    tables.write_table("surrogate_time", metrics, tmp_path / "tables/surrogate_time", models, titles=models)
    config = {
        "atlas": "sri24", "spacing": 2, "patients": None, "brats_dir": None, "samples": {"deformation_mm": 4},
        "prior": {"mu_D": [2, 25], "mu_rho": [1.5, 6], "volume": [5, 250]},
        "test_cases": {"number": 12, "beyond": 0.2, "at_most": {"cmaes_solver": 5, "gliodil": 0}},
        "methods": {"cmaes_solver": {"max_evaluations": 1234}, "direct": None, "gb_surrogate": None, "hybrid": None,
                    "gliodil": None},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    card = {"architecture": "gliofit", "parameters": 4321, "data": {"train_samples": 777}, "settings": {"flip": True}}
    (tmp_path / "surrogate.json").write_text(json.dumps(card))
    RunRecord(
        ("config/full.yaml",), HERE, (Part("fits to test cases", HERE, "A box, 2 logical cores, Linux", 36),)
    ).save(tmp_path / "run.json")
    return opened(tmp_path, **{str(number): number for number in (1, 2)}, surrogate_time="surrogate_time")


def opened(folder, in_silico=None, told=None, **keys) -> results_page.Results:
    """The results in a folder, of which these tables are the run's: key by name of the file."""
    named = {key: f"weidner_table{name}" if name[0].isdigit() else name for name, key in keys.items()}
    errors = {f"{name}_{cases}": (name, cases) for name in ("surrogate", "weidner") for cases in ("sri24", "mni152")}
    times = {"solver_cpu": ("solver", "cpu"), "surrogate_cpu": ("surrogate", "cpu")}
    return results_page.Results(
        {key: results_page.Table(*(folder / f"tables/{n}.{s}" for s in ("csv", "md"))) for key, n in named.items()},
        folder / "metrics.csv",
        config=folder / "config.yaml",
        run=folder / "run.json",
        titles=TITLES,
        rows=results_page.Rows(errors, times, told or {}),
        forward=folder / "forward.csv",
        in_silico=in_silico,
        cards={"surrogate": folder / "surrogate.json"},
    )


@pytest.fixture
def page(results, tmp_path):
    """Writes the page and reads it."""

    def written(pictures=None) -> str:
        results_page.write_page(results, tmp_path / "page/results.md", pictures or {})
        return (tmp_path / "page/results.md").read_text()

    return written


def test_plans_of_synthetic_patients_are_set_against_the_standard_plan(results, tmp_path):
    rows = []
    for case in range(8):
        rows.append(tidy(f"single_{case}", "single", "standard", {"missed_15": 1e-3, "missed_5": 0.2 + 0.01 * case}))
        found = {"missed_15": 2e-3 + 1e-4 * case, "missed_5": 0.1, "better_15": 0.0, "better_5": 1.0}
        rows.append(tidy(f"single_{case}", "single", "hybrid/mri_pet", found))
    pd.concat(rows).to_csv(tmp_path / "gliodil_synthetic.csv", index=False)
    stem, methods = tmp_path / "tables/gliodil_synthetic_single", ["standard", "hybrid/mri_pet"]
    tables.write_table("gliodil_synthetic_single", pd.concat(rows), stem, methods, titles={m: m for m in methods})
    told = {"hybrid/mri_pet": ("hybrid", "mri_pet")}
    keys = {"1": 1, "2": 2, "gliodil_synthetic_single": "gliodil_synthetic_single"}
    results = opened(tmp_path, tmp_path / "gliodil_synthetic.csv", told, **keys)
    results_page.write_page(results, tmp_path / "page/results.md", {})
    page = (tmp_path / "page/results.md").read_text()
    assert "- Hybrid from outlines and FET-PET misses at 15 mm 2.4e-3 of the unseen cells in the median" in page
    assert "(the standard plan 1.0e-3), less than that in 0 % of 8 patients (p = 0.008)" in page
    assert "at 5 mm 1.0e-1 of the unseen cells" in page
    assert "less than that in 100 % of 8 patients (p = 0.008)" in page
    assert "misses at 15 mm less in 0 of 8 patients (p = 0.008), at 5 mm less in 8 of 8 patients (p = 0.008)" in page


def test_the_hybrids_parts_are_told_apart(results, tmp_path):
    metrics = pd.read_csv(tmp_path / "metrics.csv")
    rows = [metrics]
    for case in range(12):
        rows.append(tidy(f"sri24-{case}", "sri24", "gb_surrogate", {"loss_after_5": 0.4, "loss_after_10": 0.1}))
        found = {"loss_after_5": 0.1 + 1e-3 * case, "loss_after_10": 0.1 + 1e-3 * (-1) ** case, "corrected": 0.1}
        rows.append(tidy(f"sri24-{case}", "sri24", "hybrid", found))
    pd.concat(rows).to_csv(tmp_path / "metrics.csv", index=False)
    results_page.write_page(results, tmp_path / "page/results.md", {})
    page = (tmp_path / "page/results.md").read_text()
    # without the correction, by which each is a tenth, the hybrid is what GB surrogate is
    assert "| the same without its correction, which the paper's does not have | 1.00e-2 ± 0.03e-2 |" in page
    assert "lowers the MSE to 0.1 times what it was in the median of 12 cases; without it, against GB" in page
    assert "on the same 12 cases p = 1 (Wilcoxon)" in page
    assert (
        "the loss on the surrogate after 5 iterations is 0.26 times GB surrogate's (median; p = 5e-4; N = 12)" in page
    )
    assert "after 10 iterations 1 times GB surrogate's (median; p = 1; N = 12)" in page


def row_of(page: str, start: str) -> list[str]:
    """Cells of the one table row that starts so."""
    (line,) = (line for line in page.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_the_summary_has_a_row_per_criterion(page):
    text = page()
    assert text.index("## In short") < text.index("## The surrogate alone")
    mse = row_of(text, "MSE of surrogate `surrogate`")
    assert mse[1:] == [
        "9.00e-4 ± 0.27e-4",
        "1.8e-3; best published 2.7e-4 (Haouari et al. 2025)",
        "0.5 times the paper's and 3.3 times the best published",
    ]
    assert row_of(text, "MSE of surrogate `weidner`")[3].startswith("1 times the paper's")
    mse = row_of(text, "MSE of the hybrid, 12 synthetic tumours")
    assert mse[1:] == [
        "1.00e-3 ± 0.03e-3 (median 1.0e-3)",
        "1.35e-3 ± 0.19e-3",
        "0.74 times the paper's, on other tumours",
    ]
    assert row_of(text, "NCC of the hybrid")[1:3] == ["0.9900", "0.915"]
    direct = row_of(text, "MSE of Direct, beside the hybrid's")
    assert direct[3].startswith("the hybrid's is 0.1 times that on 12 common cases, significantly (paired t-test, p = ")
    assert direct[3].endswith("in the paper 0.28 times")
    assert row_of(text, "time of Hybrid")[1:3] == ["6 s by the clock, 5 s of processor time", "48 s"]
    race = row_of(text, "when the surrogate beats the solver")
    assert race[1].startswith(
        "at 1 of 4 kinds of run: at best 4 times the solver's speed (surrogate, cpu: each of eight"
    )


def test_methods_are_compared_on_the_cases_that_both_have(results, tmp_path):
    metrics = pd.read_csv(tmp_path / "metrics.csv")
    few = (metrics["method"] != "direct") | metrics["case"].isin(["sri24-0", "sri24-2"])
    metrics[few].to_csv(tmp_path / "metrics.csv", index=False)
    assert results.against("hybrid", "direct") == (pytest.approx(0.1), 2)


def test_sentences_follow_from_the_numbers(page, tmp_path):
    imsave(tmp_path / "big.png", np.random.default_rng(0).random((300, 2400, 3)))
    text = page({"3": tmp_path / "big.png"})
    assert "Made by `make results-doc CONFIG=config/full.yaml` from one run, at commit 0123456789; no number" in text
    assert "All fits and times are of that source.\n\nMachine: A box, 2 logical cores, Linux; one thread" in text
    assert row_of(text, "hardware")[1] == "A box, 2 logical cores, Linux"
    assert "surrogate on mni152: 1.80e-3 ± 0.05e-3 over the crop, 1 times the paper's" in text
    assert "a density in 50 ms, the solver in 20 ms – 2.5 times slower" in text
    assert "a density with its derivatives in 60 ms, the solver in 60 ms – about as fast" in text
    assert "each of eight densities at once in 5 ms, the solver in 20 ms – 4.0 times faster" in text
    assert "The surrogate beats the solver at: each of eight densities at once on the CPU by surrogate." in text
    assert "GPU nothing was measured" in text
    assert "| *Hybrid, paper* | 500 | 1.35 ± 0.19 |" in text
    assert r"| Direct | 12 | 10.00 ± 0.30\* |" in text
    assert "Hybrid 6 (5)." in text
    assert imread(tmp_path / "page/images/results_3.png").shape[:2] == (138, 1100)
    assert "(images/results_3.png)" in text


def test_each_set_has_a_table_of_surrogates_of_its_own(page):
    text = page()
    section = text[text.index("## The surrogate alone") : text.index("## When the surrogate beats")]
    assert section.index("Test cases of set sri24:") < section.index("Test cases of set mni152:")
    assert section.count(r"| weidner | 12 | 1.80 ± 0.05\* |") == 1
    assert section.count(r"| weidner | 12 | 3.60 ± 0.11\* |") == 1  # starred on this set too
    assert section.count("Mean ± standard error") == 1
    assert "**" not in section


def test_failures_are_counted_and_other_sets_compared(results, page, tmp_path):
    metrics = pd.read_csv(tmp_path / "metrics.csv")
    failed = (metrics["case"] == "sri24-5") & (metrics["method"] == "hybrid") & (metrics["metric"] == "mse")
    metrics.loc[failed, "value"] = 0.05
    metrics.to_csv(tmp_path / "metrics.csv", index=False)
    there = pd.concat(tidy(f"mni152-{i}", "mni152", "hybrid", {"mse": 2.2e-3}) for i in range(3))
    tables.write_table(2, there, tmp_path / "tables/weidner_table2_mni152", TITLES, cases="mni152", titles=TITLES)
    results.tables[2, "mni152"] = results_page.Table(
        *(tmp_path / f"tables/weidner_table2_mni152.{suffix}" for suffix in ("csv", "md"))
    )
    text = page()
    section = text[text.index("## Where methods fail") :]
    assert row_of(section, "Hybrid |") == ["Hybrid", "12", "1.1e-3", "8 %", "8 %", "5.0e-2", "15", "3", "50"]
    assert row_of(section, "Direct |")[3:5] == ["0 %", "100 %"]
    assert "- Unseen anatomy (MNI152), N = 3: the median MSE of Hybrid is 2.2e-3 (2.2 times that on sri24)." in section


def test_what_differs_from_the_paper_is_read_from_config_and_cards(page):
    text = page()
    assert "64³ at 2 mm (128 mm)" in text
    assert row_of(text, "atlas")[1] == "sri24; networks also see random deformations and mirror images of it"
    assert row_of(text, "surrogate of GB surrogate, Hybrid")[1].endswith("corrected by a U-Net; 4,321 parameters")
    assert row_of(text, "training tumours")[1:] == ["777 (`surrogate`)", "28,000"]
    assert row_of(text, "the hybrid ends with")[1].startswith("one more descent with")
    assert row_of(text, "evaluations")[1:] == ["CMA-ES solver at most 1,234", "1,000 generations of 8"]
    assert row_of(text, "test cases")[1:] == ["12 (CMA-ES solver: 5)", "500 (CMA-ES solver: 25)"]
    assert "GliODIL" in row_of(text, "not run on test cases")[1]


def test_patients_of_the_repository_are_told_from_the_papers(results, page, tmp_path):
    rows = [tidy(f"synthetic_{i}", "patients", method, {"mse": 1e-3}) for i in (1, 2) for method in TITLES]
    tables.write_table(3, pd.concat(rows), tmp_path / "tables/weidner_table3", TITLES, titles=TITLES)
    results.tables[3] = results_page.Table(*(tmp_path / f"tables/weidner_table3.{suffix}" for suffix in ("csv", "md")))
    assert "in-silico" not in page()
    results.config["patients"] = "config/patients.tsv"
    assert "This run's patients are the repository's two in-silico ones; the paper's are 75 real ones." in page()


def test_a_table_that_an_earlier_run_left_is_not_shown(page, tmp_path):
    before = page()
    there = pd.concat(tidy(f"edge-{i}", "edge", "hybrid", {"mse": 2.2e-3}) for i in range(3))
    tables.write_table(2, there, tmp_path / "tables/weidner_table2_edge", TITLES, cases="edge", titles=TITLES)
    tables.write_table(3, there.assign(set="patients"), tmp_path / "tables/weidner_table3", TITLES, titles=TITLES)
    there.to_csv(tmp_path / "gliodil_synthetic.csv", index=False)
    assert page() == before
    assert "edge" not in before


def test_results_of_an_earlier_commit_are_told_by_what_the_run_recorded(results, page, tmp_path):
    parts = (
        Part("fits to test cases", HERE, "A box", 30),
        Part("fits to test cases", EARLIER, "A box", 4),
        Part("fits to test cases", EARLIER, "Another box", 2),
        Part("errors and times of surrogates", EARLIER._replace(sha256="aaaa"), "A box", 3),
    )
    record = RunRecord(("config/full.yaml", "mine.yaml"), HERE, parts)
    record.save(tmp_path / "run.json")
    assert load_run(tmp_path / "run.json") == record
    results.run = record
    text = page()
    assert 'make results-doc CONFIG="config/full.yaml mine.yaml"` from one run, at commit 0123456789;' in text
    assert (
        "- 6 of 36 fits to test cases: commit fedcba9876 with changes that were not committed (source bbbb)\n" in text
    )
    # the package's files are the same, whatever the commit is called
    assert "errors and times of surrogates" not in text
    assert "All fits" not in text
    assert "Machine: A box; Another box; one" in text


def test_a_record_of_another_version_is_refused(tmp_path):
    path = tmp_path / "run.json"
    RunRecord((), HERE, ()).save(path)
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(InputError, match=r"run\.json: is not a gliofit-run of version 1"):
        load_run(path)


def test_numbers_in_words():
    assert scientific(1.76e-3, 1.6e-4) == "1.76e-3 ± 0.16e-3"
    assert scientific(2.7e-4, digits=1) == "2.7e-4"
    assert scientific(1.5, float("nan")) == "1.50"
    assert scientific(float("nan")) == "–"
    assert [times(ratio) for ratio in (0.052, 9500, 5.1e-4)] == ["0.052 times", "9.5e3 times", "5.1e-4 times"]
    assert [faster(ratio) for ratio in (0.95, 1.09, 1.2, 0.5)] == ["about as fast"] * 2 + [
        "1.2 times faster",
        "2.0 times slower",
    ]
    assert [level(p) for p in (0.03, 2e-6, 1.0, 0.0)] == ["p = 0.03", "p = 2e-6", "p = 1", "p = 0"]


def test_a_run_that_is_not_finished_is_told_apart(results, tmp_path):
    (tmp_path / "tables/weidner_table2.csv").unlink()
    with pytest.raises(InputError, match=r"weidner_table2\.csv: no such file; run the pipeline first"):
        results_page.write_page(results, tmp_path / "page/results.md", {})
