"""The geometry-aware surrogate's training: samples, loss, and that it learns."""

import numpy as np
import pytest
import torch

from gliofit.base.errors import InputError
from gliofit.growth.theta import Theta
from gliofit.networks.weights import build
from gliofit.synthetic.physical_prior import PhysicalPrior
from gliofit.synthetic.physical_shards import PhysicalDataset, physical_split
from gliofit.synthetic.shards import simulate_shard
from gliofit.training.loop import train
from gliofit.training.losses import regional_loss, validate
from gliofit.training.release import release
from gliofit.training.settings import GeometryAwareSettings

SHAPE = (16, 16, 16)
PRIOR = PhysicalPrior(diffusivity=(0.05, 0.08), growth_rate=(0.02, 0.03), days=(800, 1000))
"""Tumours that fill the head: a few steps are enough to learn that."""


@pytest.fixture(scope="module")
def shards(small_tissue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("physical")
    for split, count in (("train", 12), ("validation", 4)):
        path = [folder / f"{split}.h5"]
        physical_split(small_tissue, path, count, SHAPE, 4.0, PRIOR, deformation=2.0, seed=1, split=split)
    return folder


def test_a_sample_has_d_rho_and_t(shards):
    data = PhysicalDataset([shards / "train.h5"])
    diffusivity, growth_rate, days = data[3].theta.tolist()
    theta = data.theta(3)
    expected = Theta.from_physical(theta.origin, diffusivity, growth_rate, days)
    np.testing.assert_allclose(theta.to_array(), expected.to_array(), rtol=1e-6)
    # voxel n/2 is half a voxel beyond the crop's centre point, and the origin within half a voxel of it
    assert np.all(np.abs(np.array(theta.origin) - 2.0) <= 2.0 + 1e-6)
    assert data.box.contains(data[3].theta)


def test_a_mirror_image_keeps_the_origin_s_voxel(shards):
    data = PhysicalDataset([shards / "train.h5"], flip=True)
    case, image = data[2], data[14]
    assert len(data) == 24
    assert np.array_equal(case.theta, image.theta)
    for one, other in ((case.density, image.density), (case.tissue, image.tissue)):
        np.testing.assert_array_equal(one[..., 8, :, :], other[..., 8, :, :])
        np.testing.assert_array_equal(one[..., 3, :, :], other[..., 13, :, :])


def test_the_loss_counts_its_regions_alone():
    density, maps = torch.zeros(1, 2, 2, 2), torch.zeros(1, 3, 2, 2, 2)
    density[0, 0, 0] = 0.5  # two voxels of tumour
    maps[0, 0, 0] = 1.0  # four of white matter, two of them without tumour
    maps[0, 2, 1, 0] = 1.0  # two of CSF; two are background
    predicted = density.clone()
    predicted[0, 0, 0, 0] = 0.1
    predicted[0, 0, 1] = 0.3
    predicted[0, 1, 0] = 0.2
    predicted[0, 1, 1] = 0.8
    losses = {
        "tumour+csf": 0.2 + 0.2,
        "tumour+csf+brain": 0.2 + 0.2 + 0.3,
        "tumour+rest": 0.2 + (2 * 0.3 + 2 * 0.2 + 2 * 0.8) / 6,
        "whole": (0.4 + 2 * 0.3 + 2 * 0.2 + 2 * 0.8) / 8,
    }
    for terms, expected in losses.items():
        assert float(regional_loss(predicted, density, maps, terms)) == pytest.approx(expected)
    maps[0, 2] = 0
    assert float(regional_loss(predicted, density, maps)) == pytest.approx(0.2)


def test_it_learns_and_is_released(shards, tmp_path):
    settings = GeometryAwareSettings(width=16, deeper=[24], steps=30, batch=4, learning_rate=5e-3, validate_every=15)
    files = {"log_csv": tmp_path / "log.csv", "figure_png": tmp_path / "l.png", "checkpoint": tmp_path / "c.pt"}
    paths = [shards / "train.h5"], [shards / "validation.h5"], tmp_path / "w.safetensors"
    card = train("geometry_aware", settings, *paths, **files, progress=False)
    data = PhysicalDataset([shards / "validation.h5"])
    torch.manual_seed(0)
    fresh = build("geometry_aware", "ezhov", SHAPE, 4.0, data.box, 16, deeper=[24])
    assert card["metrics"]["loss"] < 0.85 * validate(fresh, data, torch.device("cpu"))["loss"]
    assert card["options"]["deeper"] == [24]
    assert card["settings"]["terms"] == "tumour+csf"
    released = release(tmp_path / "w.safetensors", tmp_path / "log.csv", {"here": paths[1]}, tmp_path / "r.safetensors")
    assert released["test"]["here"]["dice_2"] == pytest.approx(card["metrics"]["dice_2"], abs=1e-4)
    page = (tmp_path / "r.md").read_text()
    assert "D 0.05 … 0.08, ρ 0.02 … 0.03, T 800 … 1000" in page
    assert "Dice at 0.8" in page


def test_other_shards_are_refused(small_tissue, shards, tmp_path):
    simulate_shard(small_tissue, tmp_path / "plain.h5", 1, SHAPE, seed=1, progress=False)
    with pytest.raises(InputError, match=r"plain.h5: has no ages of its tumours"):
        PhysicalDataset([tmp_path / "plain.h5"])
    path = [tmp_path / "other.h5"]
    physical_split(small_tissue, path, 1, SHAPE, 4.0, PhysicalPrior(), deformation=0, seed=1, split="train")
    with pytest.raises(InputError, match="of different priors"):
        PhysicalDataset([shards / "train.h5", *path])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"deeper": []}, "deeper"),
        ({"terms": "csf"}, "terms"),
        ({"architecture": "gliofit"}, "architecture"),
        ({"window": 32}, "window is for the gliofit surrogate"),
    ],
)
def test_impossible_settings_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        GeometryAwareSettings(**given)
