"""The training loop: it learns, it resumes, and it leaves a record."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gliofit.base.errors import InputError
from gliofit.networks.weights import build, load_network
from gliofit.synthetic.rough_views import RoughViews
from gliofit.synthetic.shards import ShardDataset, simulate_shard
from gliofit.training import loop as training
from gliofit.training.loop import Settings, batch_indices, train, validate
from gliofit.training.release import release
from gliofit.training.settings import SETTINGS

SHAPE = (16, 16, 16)


@pytest.fixture(scope="module")
def shards(small_tissue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for split, count in (("train", 12), ("validation", 4)):
        simulate_shard(small_tissue, folder / f"{split}.h5", count, SHAPE, seed=1, split=split, progress=False)
    return folder


def run(shards, folder, role, settings, seed=0):
    folder.mkdir(exist_ok=True)
    paths = [shards / "train.h5"], [shards / "validation.h5"], folder / "net.safetensors"
    files = {"log_csv": folder / "log.csv", "figure_png": folder / "loss.png", "checkpoint": folder / "run.ckpt"}
    return train(role, settings, *paths, **files, seed=seed, progress=False)


@pytest.mark.parametrize("architecture", ["gliofit", "weidner"])
@pytest.mark.parametrize("role", ["surrogate", "inverse", "inverse_segmentation"])
def test_the_loss_falls_and_the_best_is_released(role, architecture, shards, tmp_path):
    width = 8 if architecture == "gliofit" else 4
    settings = SETTINGS[role](architecture, width=width, steps=40, batch=4, learning_rate=5e-3, validate_every=10)
    rough = role == "inverse_segmentation" and architecture == "gliofit"
    settings = replace(settings, outlines="rough") if rough else settings
    card = run(shards, tmp_path, role, settings)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [int(r["step"]) for r in rows] == [10, 20, 30, 40]
    best = min(float(r["mse"]) for r in rows)
    held_out = ShardDataset([shards / "validation.h5"])
    views = RoughViews(SHAPE, 4.0) if rough else None
    torch.manual_seed(0)
    untrained = build(role, architecture, SHAPE, 4.0, held_out.prior.box, width)
    # the surrogate of ours starts from a run of the solver: there is less left to learn
    share = 0.97 if (role, architecture) == ("surrogate", "gliofit") else 0.9
    assert best < share * validate(untrained, held_out, torch.device("cpu"), views=views)["mse"]
    network = load_network(tmp_path / "net.safetensors", role)
    again = validate(network, held_out, torch.device("cpu"), views=views)
    assert again["mse"] == pytest.approx(best, rel=1e-4)
    assert card["metrics"]["mse"] == pytest.approx(best, rel=1e-4)
    names = ("mse", "mse_tissue", "mse_relative") if role == "surrogate" else ("mse", "origin_mm", "mu_D", "mu_rho")
    assert tuple(card["metrics"]) == names
    if rough:  # a release is tested on outlines of both kinds
        tests = {"a": [shards / "validation.h5"]}
        tested = release(tmp_path / "net.safetensors", tmp_path / "log.csv", tests, tmp_path / "out.safetensors")[
            "test"
        ]
        assert tested["a, rough outlines"]["mse"] == pytest.approx(best, rel=1e-4)
        assert tested["a"]["mse"] != tested["a, rough outlines"]["mse"]
    assert json.loads((tmp_path / "net.json").read_text())["settings"]["architecture"] == architecture
    assert (tmp_path / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert not (tmp_path / "run.ckpt").exists()


def test_a_killed_run_resumes_to_the_same_weights(shards, tmp_path, monkeypatch):
    settings = Settings(width=8, steps=12, batch=2, validate_every=4)
    run(shards, tmp_path / "whole", "surrogate", settings)

    step = training._Run._step

    def killed(self):
        if self.step == 10:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(training._Run, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(shards, tmp_path / "cut", "surrogate", settings)
    assert (tmp_path / "cut" / "run.ckpt").exists()
    assert not (tmp_path / "cut" / "net.safetensors").exists()
    steps = []
    monkeypatch.setattr(training._Run, "_step", lambda self: steps.append(self.step) or step(self))
    run(shards, tmp_path / "cut", "surrogate", settings)
    assert steps == [8, 9, 10, 11]
    whole, cut = ((tmp_path / n / "net.safetensors").read_bytes() for n in ("whole", "cut"))
    assert whole == cut


def test_a_gradient_that_bfloat16_lost_is_computed_again_in_float32(shards, tmp_path, monkeypatch):
    exact, cast = training.loss_of, []

    def lossy(network, *args):
        loss = exact(network, *args)
        if torch.is_autocast_enabled("cpu"):
            cast.append(loss)
            return loss * math.nan
        return loss

    monkeypatch.setattr(training, "_has_bfloat16", lambda device: True)
    monkeypatch.setattr(training, "loss_of", lossy)
    settings = SETTINGS["inverse"]("gliofit", width=8, steps=6, batch=4, validate_every=6)
    lost = run(shards, tmp_path / "lost", "inverse", replace(settings, bfloat16=True))
    assert len(cast) == 6
    kept = run(shards, tmp_path / "kept", "inverse", replace(settings, bfloat16=False))
    assert len(cast) == 6
    assert lost["metrics"] == kept["metrics"]


def test_a_checkpoint_of_other_settings_is_not_used(shards, tmp_path, monkeypatch):
    step = training._Run._step

    def killed(self):
        if self.step == 3:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(training._Run, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(shards, tmp_path, "inverse", Settings(width=8, steps=4, batch=2, validate_every=2))
    steps = []
    monkeypatch.setattr(training._Run, "_step", lambda self: steps.append(self.step) or step(self))
    run(shards, tmp_path, "inverse", Settings(width=8, steps=3, batch=2, validate_every=2))
    assert steps == [0, 1, 2]


def test_training_goes_on_from_other_weights(shards, tmp_path):
    settings = Settings("weidner", width=8, steps=2, batch=2, learning_rate=1e-3, validate_every=2)
    first = run(shards, tmp_path / "a", "inverse", settings)
    still = replace(settings, learning_rate=1e-30, start=str(tmp_path / "a/net.safetensors"))
    again = run(shards, tmp_path / "b", "inverse", still, seed=7)
    assert again["metrics"]["mse"] == pytest.approx(first["metrics"]["mse"], rel=1e-6)
    assert again["start_sha256"] == first["weights_sha256"]
    with pytest.raises(InputError, match=r"net.safetensors: is a network of another architecture, width or grid"):
        run(shards, tmp_path / "c", "inverse", replace(still, width=16))
    with pytest.raises(InputError, match="describes a network of role 'inverse', not 'surrogate'"):
        run(shards, tmp_path / "c", "surrogate", still)


def test_a_damaged_checkpoint_is_named(shards, tmp_path):
    (tmp_path / "run.ckpt").write_bytes(b"half a checkpoint")
    with pytest.raises(InputError, match=r"run.ckpt: cannot be read as a checkpoint"):
        run(shards, tmp_path, "inverse", Settings(width=8, steps=2))


def test_the_seed_decides(shards, tmp_path):
    settings = Settings(width=8, steps=2, batch=2)
    cards = [run(shards, tmp_path / n, "inverse", settings, seed) for n, seed in (("a", 1), ("b", 1), ("c", 2))]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"] != cards[2]["weights_sha256"]


def test_the_paper_s_network_goes_from_coarse_to_fine(shards, tmp_path):
    """Each part has its own warm-up and decay; what is released is the best of the last part."""
    settings = Settings(
        "weidner",
        width=8,
        steps=20,
        batch=2,
        learning_rate=1e-3,
        warmup=0.2,
        validate_every=5,
        coarse={4: 0.5, 2: 0.25},
    )
    assert [settings.part(step) for step in (0, 9, 10, 14, 15, 19)] == [
        *[(0, 10, 4)] * 2, *[(10, 5, 2)] * 2, *[(15, 5, 1)] * 2
    ]  # fmt: skip
    assert settings.rate(10) == settings.rate(15) == pytest.approx(1e-3)
    assert settings.rate(9) < 1e-4 < settings.rate(19) < 2e-4
    card = run(shards, tmp_path, "surrogate", settings)
    assert card["best_step"] == 20
    network = load_network(tmp_path / "net.safetensors", "surrogate")
    again = validate(network, ShardDataset([shards / "validation.h5"]), torch.device("cpu"))
    assert again["mse"] == pytest.approx(card["metrics"]["mse"], rel=1e-4)


def test_a_window_as_large_as_the_crop_teaches_the_same(shards, tmp_path):
    settings = Settings(width=8, steps=4, batch=2, validate_every=4, bfloat16=False)
    whole = run(shards, tmp_path / "whole", "surrogate", settings)["metrics"]
    window = run(shards, tmp_path / "window", "surrogate", replace(settings, window=16))["metrics"]
    smaller = run(shards, tmp_path / "smaller", "surrogate", replace(settings, window=8))["metrics"]
    # rounding may differ, and four steps make more of it; smaller windows teach something else, by 2 % of the error
    for name, value in whole.items():
        assert abs(window[name] - value) < 0.01 * abs(smaller[name] - value)
    assert abs(smaller["mse"] - whole["mse"]) > 1e-3 * whole["mse"]


def test_each_epoch_shows_every_sample_once():
    drawn = np.concatenate([batch_indices(step, 4, 10, 7) for step in range(5)])
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert list(drawn[:10]) != list(drawn[10:])


def test_the_rate_warms_up_and_decays():
    settings = Settings(steps=100, learning_rate=1e-3, warmup=0.1)
    rates = [settings.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == rates[9] == pytest.approx(1e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 1e-6


def test_validation_reports_what_it_says(shards):
    """Of a surrogate that predicts zero everywhere: mse is the mean square, relative to zero exactly 1."""

    class Zero(torch.nn.Module):
        role = "surrogate"

        def channels(self, maps):
            return (maps[:, :1] + maps[:, 1:2] >= 0.1).float()

        def forward(self, static, theta):
            return torch.zeros(len(theta), *SHAPE)

    data = ShardDataset([shards / "validation.h5"])
    found = validate(Zero(), data, torch.device("cpu"))
    squares = np.array([np.square(c.density, dtype=np.float64).sum() for c in data])
    tissue = np.array([(c.tissue[0] + c.tissue[1] >= 0.1).sum() for c in data])
    assert found["mse_relative"] == pytest.approx(1)
    assert found["mse"] == pytest.approx((squares / 16**3).mean(), rel=1e-5)
    assert found["mse_tissue"] == pytest.approx((squares / tissue).mean(), rel=1e-5)


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"learning_rate": -1.0},
        {"learning_rate": math.nan},
        {"warmup": 1},
        {"coarse": {2: 0.5}},
        {"architecture": "weidner", "coarse": {3: 0.5}},
        {"architecture": "weidner", "coarse": {2: 1}},
        {"window": 12},
        {"architecture": "weidner", "window": 8},
        {"architecture": "ezhov"},
        {"width": 8.5},
        {"flip": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(InputError, match=r"should be|must leave|is for"):
        Settings(**values)
