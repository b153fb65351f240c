"""Scores of surrogates on tumours of given D, ρ and T, and what is drawn and tabulated of them."""

import numpy as np
import pandas as pd
import pytest
import torch

from gliofit.evaluation.geometry_aware_scores import (
    case_scores,
    forward_surrogate,
    geometry_aware,
    of_table,
    scores,
)
from gliofit.reporting.figures import geometry_aware as figures
from gliofit.reporting.tables.tidy import write_table
from gliofit.synthetic.physical_prior import PhysicalPrior
from gliofit.synthetic.physical_shards import PhysicalDataset, physical_split


@pytest.fixture(scope="module")
def data(small_tissue, tmp_path_factory):
    path = tmp_path_factory.mktemp("physical") / "0.h5"
    prior = PhysicalPrior(growth_rate=(0.01, 0.03), days=(300, 600))
    physical_split(small_tissue, [path], 4, (24, 24, 24), 4.0, prior, deformation=0, seed=2, split="test")
    return PhysicalDataset([path])


def test_scores_of_a_known_error():
    truth, maps = np.zeros((4, 4, 4)), np.zeros((3, 4, 4, 4), np.float32)
    maps[0, :2], maps[2, 2:] = 1, 1
    truth[0], truth[1] = 0.9, 0.3
    predicted = truth.copy()
    predicted[0], predicted[2] = 0.7, 0.25
    found = case_scores(predicted, truth, maps)
    assert found["dice_2"] == pytest.approx(2 * 32 / (32 + 48))
    assert found["dice_4"] == 1
    assert found["dice_8"] == 0
    assert found["mae_tumour"] == pytest.approx(0.1)
    assert found["mae_wm"] == pytest.approx(0.1)
    assert found["mae_csf"] == pytest.approx(0.125)
    assert found["mae"] == pytest.approx(0.45 / 4)
    assert np.isnan(found["mae_gm"])
    assert np.isnan(case_scores(0 * truth, 0 * truth, maps)["dice_2"])


def test_models_are_given_the_sample(data):
    """The network gets tissue, D, ρ and T; a surrogate of θ its origin relative to the crop's centre point."""

    def network(maps, physical):
        assert torch.equal(physical[0], torch.from_numpy(data[1].theta))
        return 2 * maps[:, 0]

    density = geometry_aware(network)(data, 1)
    np.testing.assert_array_equal(density, np.clip(2 * data[1].tissue[0], 0, 1))

    class Surrogate:
        def channels(self, maps):
            return maps

        def __call__(self, static, theta):
            np.testing.assert_allclose(theta[0], data.theta(1).to_array(), rtol=1e-6)
            return static[None, 2]

    np.testing.assert_array_equal(forward_surrogate(Surrogate())(data, 1), data[1].tissue[2])


def test_table_and_figures_of_two_surrogates(data, tmp_path):
    models = {
        "f_10": lambda data, index: data[index].density,
        "surrogate": lambda data, index: 0.5 * data[index].density,
    }
    splits = ("validation", "test", "unseen")
    frame = pd.concat([scores(data, models, split, f"10/{split[:2]}") for split in splits], ignore_index=True)
    titles = {"f_10": "(f)", "surrogate": "half of it"}
    table = write_table("ezhov_table1", of_table(frame), tmp_path / "t", list(titles), ours="f_10", titles=titles)
    means = table.set_index(["method", "metric"])["mean"]
    assert means[("f_10", "test_dice_8")] == means[("f_10", "validation_dice_2")] == 1
    assert means[("surrogate", "test_dice_8")] == 0
    assert "| (f) | 4 | **1.000" in (tmp_path / "t.md").read_text()
    for number, draw in enumerate((figures.ages, figures.tissues, figures.overlaps, figures.anatomies)):
        draw(tmp_path / f"{number}", frame, titles)
        assert (tmp_path / f"{number}.png").read_bytes().startswith(b"\x89PNG")
