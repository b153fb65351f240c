"""What networks are shown in training."""

import numpy as np
import pytest
import torch

from gliofit import Theta, simulate
from gliofit.inversion.crops import Crop
from gliofit.inversion.problem import Problem
from gliofit.observation.segmentation import SegmentationTarget
from gliofit.synthetic.shards import Case, ShardDataset, simulate_shard
from gliofit.training.batches import collate, outlined


class Grid:
    shape, spacing = (16, 16, 16), 4.0


@pytest.fixture(scope="module")
def case(small_tissue):
    """A tumour off the centre of its crop, so that its outlines' centre of mass moves the crop."""
    theta = Theta((8.0, -12.0, 4.0), 8.0, 3.2)
    density = simulate(small_tissue, theta)
    crop = small_tissue.crop((4, 4, 4), Grid.shape)
    centre = crop.to_world((np.array(Grid.shape) - 1) / 2)
    maps = np.stack([crop.wm, crop.gm, crop.csf])
    relative = (theta.to_array() - [*centre, 0, 0]).astype(np.float32)
    return density, theta, Case(density[4:20, 4:20, 4:20], maps, relative)


def test_outlines_are_what_a_fit_to_a_segmentation_shows_the_network(small_tissue, case):
    """The same crop, the same maps and the same relative origin as `Crop` makes of the segmentation."""
    density, theta, sample = case
    thresholds = np.random.default_rng(5)
    top, foot = thresholds.uniform(0.5, 0.85), thresholds.uniform(0.05, 0.5)
    target = SegmentationTarget((density > top).astype(np.float32), (density > foot).astype(np.float32))
    crop = Crop(Problem(small_tissue, target), Grid)
    shown = outlined(sample, Grid.spacing, np.random.default_rng(5))
    np.testing.assert_allclose(shown.theta, crop.to_network(theta.to_array())[0], atol=1e-4)
    shared = shown.tissue.sum(0) > 0  # beyond the sample's crop there is nothing to show
    assert shared.mean() > 0.3
    np.testing.assert_array_equal(shown.density[shared], ((crop.target.core + crop.target.whole) / 2)[shared])
    np.testing.assert_allclose(shown.tissue[0][shared], crop.tissue.wm[shared])
    assert set(np.unique(shown.density)) == {0, 0.5, 1}


def test_thresholds_are_drawn_anew(case):
    rng = np.random.default_rng(0)
    volumes = [outlined(case[2], Grid.spacing, rng).density.sum() for _ in range(8)]
    assert len(set(volumes)) > 5


def test_faint_tumours_are_seen_too(case):
    """One that never reaches the threshold of the core, nor perhaps that of the whole tumour."""
    sample = Case(case[2].density * 0.1, case[2].tissue, case[2].theta)
    for seed in range(4):
        shown = outlined(sample, Grid.spacing, np.random.default_rng(seed)).density
        assert shown.max() == 0.5


def test_batches_hold_what_their_samples_hold(small_tissue, tmp_path):
    simulate_shard(small_tissue, tmp_path / "a.h5", 3, Grid.shape, seed=1, progress=False)
    data = ShardDataset([tmp_path / "a.h5"], flip=True)
    density, maps, theta = collate(data, [1, 5], torch.device("cpu"))
    np.testing.assert_array_equal(density[1], data[5].density)
    np.testing.assert_array_equal(maps[0], data[1].tissue)
    assert theta.tolist() == [data[1].theta.tolist(), data[5].theta.tolist()]
    seen, *_ = collate(data, [1, 5], torch.device("cpu"), np.random.default_rng(0))
    again, *_ = collate(data, [1, 5], torch.device("cpu"), np.random.default_rng(0))
    assert set(seen.unique().tolist()) <= {0, 0.5, 1}
    torch.testing.assert_close(seen, again)
