"""Errors of single forward runs: of stand-ins whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gliofit import Theta, simulate
from gliofit.evaluation import metrics
from gliofit.evaluation import surrogate_scores as surrogate_error
from gliofit.reporting import figures
from gliofit.reporting.tables.tidy import write_table

THETAS = [Theta((-12.0 + 3 * i, 8.0, 4.0), 8.0, 3.5) for i in range(9)]


class Rerun:
    """A surrogate that runs the solver on its crop, and scales what it gives."""

    spacing = 4.0

    def __init__(self, tissue, scale=1.0, shape=(24, 24, 24)):
        self.tissue, self.scale, self.shape, self.batches = tissue, scale, shape, []

    def prepare(self, crop):
        self.crop = crop
        return torch.as_tensor(crop.mask, dtype=torch.float32)[None]

    def __call__(self, static, theta):
        self.batches.append((len(theta), theta.requires_grad))
        centre = self.crop.to_world((np.array(self.shape) - 1) / 2)
        values = theta[0].detach().numpy() + np.array([*centre, 0, 0])
        density = torch.as_tensor(simulate(self.crop, Theta.from_array(values)))
        return self.scale * density[None] + 0 * theta.sum()


def test_a_surrogate_that_is_the_solver_has_no_error(small_tissue):
    case = surrogate_error.compare(small_tissue, THETAS[2], Rerun(small_tissue))
    assert case.truth.max() > 0.5
    # the crop is shifted to the tumour: what it cuts off the whole brain is all there is
    assert case.errors()["max_error"] < 1e-5
    assert case.errors()["mse_relative"] < 1e-9


def test_errors_by_their_definitions(small_tissue):
    case = surrogate_error.compare(small_tissue, THETAS[2], Rerun(small_tissue, 0.5))
    errors, inside = case.errors(), case.truth[case.tissue.mask].astype(float)
    assert errors["mse_relative"] == pytest.approx(0.25, rel=1e-4)
    assert errors["mse_crop"] == pytest.approx(0.25 * np.sum(inside**2) / case.truth.size, rel=1e-4)
    assert errors["mse_tissue"] == pytest.approx(0.25 * np.mean(inside**2), rel=1e-4)
    assert errors["max_error"] == pytest.approx(0.5 * inside.max(), rel=1e-4)
    assert errors["true_volume"] == pytest.approx(inside.sum() * 4**3 / 1000)
    assert (errors["true_mu_D"], errors["true_mu_rho"]) == (8.0, 3.5)


def test_times_are_of_every_case_alone_and_of_full_batches(small_tissue):
    surrogate = Rerun(small_tissue)
    rows = surrogate_error.surrogate_times(small_tissue, THETAS, surrogate)
    assert [set(row) for row in rows[:8]] == [{"ms_1", "ms_gradient_1", "ms_8", "ms_gradient_8"}] * 8
    assert set(rows[8]) == {"ms_1", "ms_gradient_1"}  # the ninth case fills no batch
    assert all(value > 0 for row in rows for value in row.values())
    runs = 1 + surrogate_error.REPEATS
    assert {kind: surrogate.batches.count(kind) for kind in set(surrogate.batches)} == {
        (1, False): 9 * runs, (8, False): runs, (1, True): 9 * runs, (8, True): runs,
    }  # fmt: skip
    solver = surrogate_error.solver_times(small_tissue, THETAS[:2])
    assert all(row["ms_gradient_1"] > 0 for row in solver)


def test_table_and_figure_from_the_rows(tmp_path, small_tissue):
    cases = [f"sri24-{i}" for i in range(3)]
    runs = [surrogate_error.compare(small_tissue, theta, Rerun(small_tissue, 0.5)).errors() for theta in THETAS[:3]]
    rows = surrogate_error.table_rows(cases, "surrogate_sri24", runs)
    assert tuple(rows.columns) == metrics.COLUMNS
    titles = {"surrogate_sri24": "GlioFit, SRI24"}
    tidy = write_table("surrogate_error", rows, tmp_path / "error", list(titles), titles=titles)
    table = tidy.set_index("metric")
    assert table.loc["mse_relative", "median"] == pytest.approx(0.25, rel=1e-4)
    assert "25.00" in (tmp_path / "error.md").read_text()
    figures.landscape(tmp_path / "figure", figures.case_errors(rows, "surrogate_sri24", "forward", "mse_crop"))
    assert (tmp_path / "figure.png").is_file()
