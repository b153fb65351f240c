"""The paper's metrics against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofit import Theta, Tissue
from gliofit.base.errors import InputError
from gliofit.base.overlap import dice
from gliofit.evaluation import metrics
from gliofit.inversion.fit import Fit


def brain(shape=(4, 3, 2), spacing=2.0) -> Tissue:
    """All white matter but one voxel of background in the corner."""
    wm = np.ones(shape, np.float32)
    wm[0, 0, 0] = 0
    zero = np.zeros(shape, np.float32)
    return Tissue(wm, zero, zero, np.diag([spacing, spacing, spacing, 1.0]))


@pytest.fixture
def fields():
    """Two voxels differ inside tissue, by 0.5 and −0.25, and one outside by 1, which must not count."""
    truth = np.zeros((4, 3, 2), np.float32)
    truth[1, 1, 1], truth[2, 1, 1], truth[3, 1, 1] = 0.5, 0.25, 0.25
    found = truth.copy()
    found[1, 1, 1] += 0.5
    found[2, 1, 1] -= 0.25
    found[0, 0, 0] = 1.0
    return found, truth


def test_errors_by_hand(fields):
    tissue = brain()
    squared, absolute = 8 * (0.25 + 0.0625), 8 * 0.75  # mm³ of squared and absolute difference: a voxel has 8 mm³
    size = 8 * 1.0
    assert metrics.mse(*fields, tissue) == pytest.approx(squared / 8_928_000)
    assert metrics.mae(*fields, tissue) == pytest.approx(absolute / 8_928_000)
    assert metrics.mse_norm(*fields, tissue) == pytest.approx(squared / 8_928_000 / size)
    assert metrics.mae_norm(*fields, tissue) == pytest.approx(absolute / 8_928_000 / size)
    assert metrics.mse(*fields, tissue, volume=24 * 8.0) == pytest.approx((0.25 + 0.0625) / 24)


def test_errors_are_the_papers_voxel_means_on_its_own_grid():
    rng = np.random.default_rng(0)
    padded = [np.zeros((240, 240, 155), np.float32) for _ in range(2)]
    small = [rng.random((9, 8, 7)).astype(np.float32) for _ in range(2)]
    for big, part in zip(padded, small, strict=True):
        big[100:109, 90:98, 80:87] = part
    wm = np.ones((9, 8, 7), np.float32)
    tissue = Tissue(wm, 0 * wm, 0 * wm, np.eye(4))
    a, b = (p.astype(np.float64) for p in padded)
    assert metrics.mse(*small, tissue) == pytest.approx(np.mean((a - b) ** 2))
    assert metrics.mae(*small, tissue) == pytest.approx(np.mean(np.abs(a - b)))
    assert metrics.ncc(*small, tissue) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_the_grid_does_not_matter():
    """Splitting each voxel in eight changes nothing."""
    rng = np.random.default_rng(1)
    found, truth = rng.random((2, 4, 3, 2)).astype(np.float32)
    coarse = brain()
    split = lambda a: np.kron(a, np.ones((2, 2, 2), np.float32))  # noqa: E731
    fine = Tissue(split(coarse.wm), split(coarse.gm), split(coarse.csf), np.eye(4))
    here = metrics.evaluate_fit(found, truth, coarse)
    there = metrics.evaluate_fit(split(found), split(truth), fine)
    assert here == pytest.approx(there, rel=1e-6)


def test_ncc_ignores_scale_and_sees_sign(fields):
    _, truth = fields
    tissue = brain()
    only_tissue = 23 * 8.0
    assert metrics.ncc(truth / 2, truth, tissue) == pytest.approx(1.0)
    assert metrics.ncc(1 - truth, truth, tissue, only_tissue) == pytest.approx(-1.0)


def test_undefined_ncc_is_nan(fields):
    _, truth = fields
    tissue = brain()
    assert np.isnan(metrics.ncc(np.zeros_like(truth), truth, tissue))
    assert np.isnan(metrics.ncc(truth, np.zeros_like(truth), tissue))
    full = Tissue(np.ones((4, 3, 2)), np.zeros((4, 3, 2)), np.zeros((4, 3, 2)), np.eye(4))
    assert np.isnan(metrics.ncc(np.full((4, 3, 2), 0.3), truth, full, volume=24.0))


def test_empty_reference_has_no_normalised_error(fields):
    found, truth = fields
    assert np.isnan(metrics.mse_norm(found, np.zeros_like(truth), brain()))


def test_dice():
    a = np.array([1, 1, 0, 0], bool)
    assert dice(a, a) == 1.0
    assert dice(a, np.array([0, 1, 1, 0])) == pytest.approx(0.5)
    assert np.isnan(dice(np.zeros(4), np.zeros(4)))


def test_parameter_errors_by_hand():
    truth = Theta((10, 20, 30), mu_D=10, mu_rho=4)
    found = Theta((10 + 24, 20 - 24, 30 + 15.5), mu_D=12, mu_rho=3)
    errors = metrics.parameter_errors(found, truth)
    assert errors["growth_mae"] == pytest.approx(0.25)
    assert errors["growth_mse"] == pytest.approx(0.0625)
    assert errors["diffusion_mae"] == pytest.approx(0.2)
    assert errors["diffusion_mse"] == pytest.approx(0.04)
    assert errors["origin_mse"] == pytest.approx(0.03)
    assert errors["origin_mae"] == pytest.approx(np.sqrt(0.03))


def test_evaluate_fit_gathers_everything(fields):
    theta = Theta((1, 2, 3), 10, 4)
    result = metrics.evaluate_fit(*fields, brain(), theta=theta, true_theta=theta, seconds=90)
    assert result["minutes"] == 1.5
    assert result["origin_mse"] == 0
    assert (result["true_mu_D"], result["true_mu_rho"]) == (10, 4)
    assert result["true_volume"] == pytest.approx(8e-3)
    assert result["dice"] == pytest.approx(1.0)  # only c = 0.5 exceeds 0.25 in either field
    assert "growth_mse" not in metrics.evaluate_fit(*fields, brain(), theta=theta)


def test_every_table_metric_is_explained(fields):
    theta = Theta((1, 2, 3), 10, 4)
    result = metrics.evaluate_fit(*fields, brain(), theta=theta, true_theta=theta, seconds=90)
    assert set(result) - set(metrics.DEFINITIONS) == {"true_mu_D", "true_mu_rho", "true_volume"}


def test_bad_fields_are_refused(fields):
    found, truth = fields
    with pytest.raises(InputError, match=r"predicted density has shape \(4, 3, 1\)"):
        metrics.mse(found[..., :1], truth, brain())
    found[2, 2, 1] = np.nan
    with pytest.raises(InputError, match="predicted density holds values that are not finite"):
        metrics.mse(found, truth, brain())


def test_tidy_rows_round_trip(tmp_path):
    rows = metrics.tidy("case-01", "sri24", "hybrid", {"mse": 1e-3, "ncc": float("nan")})
    path = tmp_path / "metrics.csv"
    rows.to_csv(path, index=False)
    back = metrics.read_metrics(path)
    pd.testing.assert_frame_equal(back, rows)
    with pytest.raises(InputError, match="mse of hybrid on case case-01 occurs twice"):
        metrics.read_metrics(pd.concat([rows, rows]))
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        metrics.read_metrics(tmp_path / "nowhere.csv")
    rows.drop(columns="set").to_csv(path, index=False)
    with pytest.raises(InputError, match="column set is missing"):
        metrics.read_metrics(path)


def searched(**values) -> Fit:
    """A fit of which only the search matters."""
    about = {"theta": Theta((0, 0, 0), 10, 4), "density": None, "evaluations": 1, "seconds": 1.0}
    return Fit(**about, converged=True, reason="", loss=0.5, **values)


def test_search_metrics_of_what_a_fit_tells():
    fit = searched(cpu_seconds=2.0, history=[9.0, 5.0, 6.0, 3.0, 4.0, 4.0, 1.0])
    assert metrics.search_metrics(fit) == {"cpu_seconds": 2.0, "loss_after_5": 3.0, "loss_after_10": 1.0}
    # of a hybrid, the descents that follow the first are not compared
    hybrid = searched(history=[9.0, 5.0, 1.0], comparable=2, uncorrected_loss=2.0)
    assert metrics.search_metrics(hybrid) == {"corrected": 0.25, "loss_after_5": 5.0, "loss_after_10": 5.0}
    assert metrics.search_metrics(searched(history=[])) == {}
