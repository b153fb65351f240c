"""Learn-Morph-Infer's Table 2, from tumours to scores, on a small head."""

import numpy as np
import pytest
import torch

from gliofit.evaluation.lmi_examples import by_model, by_targets
from gliofit.evaluation.lmi_scores import TestTumours, inferred, load_networks, refined, score, scores
from gliofit.evaluation.lmi_table import DEFINITIONS, EXPERIMENTS, NETWORKS, title
from gliofit.networks.lmi_part import TIMES
from gliofit.reporting.figures.lmi import examples
from gliofit.synthetic.check_shards import fault
from gliofit.synthetic.lmi_tumours import MODELS, simulate_lmi_shard
from gliofit.training.loop import train
from gliofit.training.settings import PartSettings, WholeBrainSettings
from gliofit.training.whole_brain import WholeBrainDataset

GAMMA = 12.0


@pytest.fixture(scope="module")
def shards(small_tissue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lmi")
    for model, count in zip(MODELS, (3, 1), strict=True):
        given = {"model": model, "gamma": GAMMA, "seed": 1, "split": "test", "shard": 0, "progress": False}
        simulate_lmi_shard(small_tissue, folder / f"{model}.h5", count, (40,) * 3, **given)
    return folder


@pytest.fixture(scope="module")
def networks(shards, tmp_path_factory):
    """Of either model, as good as untrained."""
    folder, shard = tmp_path_factory.mktemp("networks"), [shards / "fisher_kolmogorov.h5"]
    paths = {}
    for targets in NETWORKS:
        settings = {"spacing": 6.0, "width": 8, "steps": 2, "batch": 2, "bfloat16": False}
        whole = targets == "all"
        given = WholeBrainSettings(**settings) if whole else PartSettings(**settings, targets=targets)
        path = folder / f"{targets}.safetensors"
        files = {"log_csv": path.with_suffix(".csv"), "figure_png": path.with_suffix(".png")}
        files["checkpoint"] = path.with_suffix(".pt")
        train("lmi" if whole else "lmi_part", given, shard, shard, path, **files, progress=False)
        paths |= {(model, targets): path for model in MODELS}
    return load_networks(paths)


def test_experiments_are_the_papers():
    assert [title(name) for name in EXPERIMENTS][::5] == ["1 FK: (D, ρ, T), (x)", "6 ME: (μ₁, μ₂, x)"]
    assert title("lmi_3", released=True) == "3 FK: (μ₁, μ₂, x) released"
    assert title("lmi_7", released=True) == "3 FK: (μ₁, μ₂, x) released, then Gauss–Newton"
    assert title("lmi_2", released=True) == title("lmi_2")
    assert EXPERIMENTS["lmi_5"] == ("mass_effect", ("growth", "origin"))


def test_tumours_have_an_age_and_are_of_the_papers_ranges(shards, small_tissue):
    assert fault(shards / "fisher_kolmogorov.h5") is None
    for model in MODELS:
        data = WholeBrainDataset([shards / f"{model}.h5"], 4.0, flip=True)
        for index in range(len(data)):
            *_, mu_D, mu_rho, days = data[index].theta.astype(float)
            rates = np.array([mu_D**2 / days, mu_rho**2 / days, days])
            np.testing.assert_allclose(rates, TIMES.clip(rates), rtol=1e-5)
    # the same draws, one pushed aside
    plain, pushed = (WholeBrainDataset([shards / f"{model}.h5"], 4.0) for model in MODELS)
    assert not np.array_equal(plain[0].density, pushed[0].density)


def test_scores_by_hand(small_tissue):
    truth = np.zeros(small_tissue.shape, np.float32)
    wm = np.argwhere(small_tissue.labels() == 3)[:4]
    truth[tuple(wm[:2].T)] = 0.9
    found = truth.copy()
    found[tuple(wm[1])], found[tuple(wm[2])] = 0.5, 0.05
    result = scores(found, truth, small_tissue)
    assert result["mae_wm"] == pytest.approx((0 + 0.4 + 0.05) / 3, abs=1e-6)
    assert (result["dice_001"], result["dice_01"], result["dice_08"]) == pytest.approx((4 / 5, 1, 2 / 3))
    assert np.isnan(result["mae_csf"])
    assert set(result) == set(DEFINITIONS)
    assert np.isnan(result["too_dense"])


def test_a_tumour_without_dense_cells_has_no_overlap_of_them(small_tissue):
    truth = np.zeros(small_tissue.shape, np.float32)
    white = np.argwhere(small_tissue.labels() == 3)[:2]
    truth[tuple(white.T)] = 0.7
    denser = truth / 0.7
    assert np.isnan(scores(denser, truth, small_tissue)["dice_08"])
    assert scores(denser, truth, small_tissue)["too_dense"] == 1
    assert scores(truth, truth, small_tissue)["too_dense"] == 0


def test_a_network_that_knows_has_no_error(shards, small_tissue, networks, monkeypatch):
    """… and one that does not has one; the solver's run is that of the truth."""
    tests = TestTumours([shards / "fisher_kolmogorov.h5"], small_tissue)
    knowing = {targets: networks[MODELS[0], targets] for targets in NETWORKS}
    truth = tests.tumour(0, knowing["all"]).theta.to_array()
    truth[:3] -= tests.view(0, knowing["all"]).centre
    theta = torch.as_tensor(truth.astype(np.float32))[None]
    monkeypatch.setattr(type(tests), "__len__", lambda self: 1)
    monkeypatch.setattr(knowing["all"], "forward", lambda image, maps: theta)
    table = score(tests, knowing, MODELS[0], GAMMA, "head", refine=True).set_index(["method", "metric"])["value"]
    assert set(table.index.get_level_values("method")) == {"lmi_1", "lmi_2", "lmi_3", "lmi_7"}
    assert table["lmi_7", "dice_001"] > 0.9  # thresholds are unknown
    assert table["lmi_3", "dice_001"] > 0.99
    assert table["lmi_3", "mae_wm"] < 1e-3 < table["lmi_1", "mae_wm"]
    assert table["lmi_3", "mae_csf"] < 1e-3  # voxels that are CSF for the most part hold some tissue


def test_gauss_newton_goes_on_from_the_network_with_mass_effect(shards, small_tissue, networks, monkeypatch):
    tests = TestTumours([shards / "mass_effect.h5"], small_tissue)
    given = {targets: networks[MODELS[1], targets] for targets in NETWORKS}
    truth = tests.tumour(0, given["all"]).theta.to_array()
    truth[:3] -= tests.view(0, given["all"]).centre
    off = truth * [1, 1, 1, 1.15, 0.95] + [3.0, -3.0, 2.0, 0, 0]
    answer = torch.as_tensor(off.astype(np.float32))[None]
    monkeypatch.setattr(given["all"], "forward", lambda image, maps: answer)
    table = score(tests, given, MODELS[1], GAMMA, "head", refine=True).set_index(["method", "metric"])["value"]
    assert set(table.index.get_level_values("method")) == {"lmi_4", "lmi_5", "lmi_6", "lmi_8"}
    for name in ("dice_001", "dice_01"):
        assert table["lmi_8", name] > max(0.9, table["lmi_6", name])


def test_an_answer_that_pushes_too_hard_is_left_without_mass_effect(shards, small_tissue, networks):
    tests = TestTumours([shards / "mass_effect.h5"], small_tissue)
    network = networks[MODELS[1], "all"]
    too_hard = refined(tests, 0, network, MODELS[1], 5000.0)
    np.testing.assert_array_equal(too_hard, inferred(tests, 0, [network], MODELS[0], GAMMA))


def test_examples_are_drawn(shards, small_tissue, networks, tmp_path):
    tests = {m: TestTumours([shards / f"{m}.h5"], small_tissue) for m in MODELS}
    rows = by_targets(tests, networks, GAMMA, 1)
    assert [row.label for row in rows] == ["FK, 1", "ME, 1"]
    tumour = tests[MODELS[0]].tumour(0, networks[MODELS[0], "all"])
    image = tests[MODELS[0]].view(0, networks[MODELS[0], "all"]).image
    # outlines are those that the network sees
    whole, seen = rows[0].whole.sum() * 4.0**3, (image > 0).sum() * 6.0**3
    assert whole == pytest.approx(seen, rel=0.35)
    assert tumour.thresholds.core > tumour.thresholds.whole
    examples(tmp_path / "targets", small_tissue, rows)
    assert (tmp_path / "targets.png").stat().st_size > 10_000
    methods = by_model(tests, networks, GAMMA, 1)
    assert list(methods[0].found) == ["FK network", "ME network", "Gauss–Newton, FK"]
