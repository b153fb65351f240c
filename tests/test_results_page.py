"""The page of results: sentences that follow from the tables, and the paper's numbers as it prints them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread, imsave

from gliofit import results_page, tables
from gliofit.errors import InputError
from gliofit.metrics import tidy
from gliofit.tables.published import published

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
            }
            rows.append(tidy(f"sri24-{case}", "sri24", method, values))
        times = {"ms_1": 20.0, "ms_gradient_1": 60.0, "ms_8": 20.0, "ms_gradient_8": 60.0}
        rows.append(tidy(f"sri24-{case}", "forward", "solver_cpu", times))
        rows.append(tidy(f"sri24-{case}", "forward", "surrogate_cpu", times | {"ms_1": 50.0, "ms_8": 5.0}))
        rows.append(tidy(f"sri24-{case}", "forward", "surrogate_sri24", {"mse_crop": 9e-4, "mse_relative": 0.02}))
    metrics = pd.concat(rows)
    metrics.to_csv(tmp_path / "metrics.csv", index=False)
    for number in (1, 2):
        tables.write_table(number, metrics, tmp_path / f"tables/weidner_table{number}", TITLES, titles=TITLES)
    for name, models in (("error", ["surrogate_sri24"]), ("time", ["solver_cpu", "surrogate_cpu"])):
        stem = tmp_path / f"tables/surrogate_{name}"
        tables.write_table(f"surrogate_{name}", metrics, stem, models, titles={m: m for m in models})
    config = {
        "atlas": "sri24", "spacing": 2, "patients": None, "brats_dir": None, "samples": {"deformation_mm": 4},
        "prior": {"mu_D": [2, 25], "mu_rho": [1.5, 6], "volume": [5, 250]},
        "test_cases": {"number": 12, "beyond": 0.2, "at_most": {"cmaes_solver": 5}},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return results_page.Results(tmp_path, TITLES)


def test_plans_of_synthetic_patients_are_set_against_the_standard_plan(results, tmp_path):
    rows = []
    for case in range(8):
        rows.append(tidy(f"single_{case}", "single", "standard", {"missed_15": 1e-3, "missed_5": 0.2 + 0.01 * case}))
        found = {"missed_15": 2e-3 + 1e-4 * case, "missed_5": 0.1, "better_15": 0.0, "better_5": 1.0}
        rows.append(tidy(f"single_{case}", "single", "hybrid/mri_pet", found))
    pd.concat(rows).to_csv(tmp_path / "gliodil_synthetic.csv", index=False)
    stem, methods = tmp_path / "tables/gliodil_synthetic_single", ["standard", "hybrid/mri_pet"]
    tables.write_table("gliodil_synthetic_single", pd.concat(rows), stem, methods, titles={m: m for m in methods})
    results_page.write_page(results, tmp_path / "page/results.md", {})
    page = (tmp_path / "page/results.md").read_text()
    assert "- Hybrid from outlines and FET-PET misses at 15 mm 2.4e-03 of the unseen cells in the median" in page
    assert "(the standard plan 1.0e-03), less than that in 0 % of 8 patients (p = 0.008)" in page
    assert "at 5 mm 1.0e-01 of the unseen cells" in page
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
    assert "the paper's hybrid – its MSE would be 0.01: the correction lowers it to 0.1 times that" in page
    assert "in the median of 12 cases; against GB surrogate's on the same 12 cases p = 1 without it" in page
    assert "after 5 iterations 0.26 times (p = 0.0005; N = 12), after 10 iterations 1 times (p = 1; N = 12)" in page


def test_sentences_follow_from_the_numbers(results, tmp_path):
    imsave(tmp_path / "big.png", np.random.default_rng(0).random((300, 2400, 3)))
    results_page.write_page(results, tmp_path / "page/results.md", {"3": tmp_path / "big.png"})
    page = (tmp_path / "page/results.md").read_text()
    assert "surrogate on sri24: 0.0009 over the crop, 0.5 times the paper's 1.8e-03" in page
    assert "2 % of the error of predicting no tumour" in page
    assert "a density in 50 ms, the solver in 20 ms – 2.5 times slower" in page
    assert "each of eight densities at once in 5 ms, the solver in 20 ms – 4.0 times faster" in page
    assert "The surrogate beats the solver at: each of eight densities at once on the CPU by surrogate." in page
    assert "GPU nothing was measured" in page
    assert "The hybrid's MSE is 0.1 times that of Direct (0.01), significantly (paired t-test" in page
    assert "0.74 times the paper's 0.00135" in page
    assert "| *Hybrid, paper* | 500 | 1.35 ± 0.19 |" in page
    assert "Hybrid 6 (5)." in page
    assert "64³ at 2 mm (128 mm)" in page
    assert imread(tmp_path / "page/images/results_3.png").shape[:2] == (138, 1100)
    assert "(images/results_3.png)" in page


def test_a_run_that_is_not_finished_is_told_apart(results, tmp_path):
    (tmp_path / "tables/weidner_table2.csv").unlink()
    with pytest.raises(InputError, match=r"weidner_table2\.csv: no such file; run the pipeline first"):
        results_page.write_page(results, tmp_path / "page/results.md", {})
