"""Random deformations of an anatomy."""

import numpy as np
import pytest

from gliofit.anatomy.deformation import deformed
from gliofit.anatomy.tissue import Tissue
from gliofit.base.errors import InputError
from gliofit.synthetic.training_anatomy import of_shard


def rng(seed=0):
    return np.random.default_rng(seed)


def ramp(axis: int) -> Tissue:
    """White matter that rises linearly along one axis of a 96 mm cube: its change tells the displacement."""
    n, h = 48, 2.0
    wm = np.moveaxis(np.broadcast_to(np.linspace(0, 1, n), (n, n, n)), -1, axis)
    return Tissue(wm, np.zeros((n, n, n)), np.zeros((n, n, n)), np.diag([h, h, h, 1.0]))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_displacements_are_as_large_as_asked(axis):
    tissue, found = ramp(axis), []
    inner = (slice(12, -12),) * 3  # nothing there comes from beyond the grid
    for seed in range(12):
        change = deformed(tissue, 3.0, rng(seed)).wm - tissue.wm
        found.append(change[inner] * 47 * 2)
    assert np.std(found) == pytest.approx(3.0, rel=0.25)
    assert abs(np.mean(found)) < 1


def test_they_are_smooth_and_do_not_fold():
    """The image of a ramp rises everywhere, between 0.2 and 2.5 times as steeply."""
    tissue = ramp(0)
    rise = np.diff(deformed(tissue, 4.0, rng(3)).wm[12:-12, 12:-12, 12:-12], axis=0) * 47
    assert 0 < rise.min() < 0.95
    assert 1.05 < rise.max() < 2.5


def test_tissue_stays_tissue(small_tissue):
    moved = deformed(small_tissue, 4.0, rng())
    assert moved.shape == small_tissue.shape
    total = moved.wm + moved.gm + moved.csf
    assert total.min() >= 0
    assert total.max() < 1.01
    assert moved.wm.sum() == pytest.approx(small_tissue.wm.sum(), rel=0.5)
    assert np.abs(moved.wm - small_tissue.wm).max() > 0.2


def test_a_shard_has_its_own_head_and_every_fourth_is_the_atlas(small_tissue):
    heads = [of_shard(small_tissue, 4.0, 7, shard) for shard in range(5)]
    assert heads[0] is heads[4] is small_tissue
    assert np.abs(heads[1].wm - heads[2].wm).max() > 0.1
    np.testing.assert_array_equal(heads[3].wm, of_shard(small_tissue, 4.0, 7, 3).wm)
    assert np.abs(heads[3].wm - of_shard(small_tissue, 4.0, 8, 3).wm).max() > 0.1
    assert of_shard(small_tissue, 0.0, 7, 1) is small_tissue


@pytest.mark.parametrize("amount", [-1.0, np.nan, np.inf])
def test_amounts_that_make_no_sense_are_refused(small_tissue, amount):
    with pytest.raises(InputError, match="finite and not negative"):
        deformed(small_tissue, amount, rng())


def test_folding_is_refused(small_tissue):
    with pytest.raises(InputError, match="60 mm fold the anatomy"):
        deformed(small_tissue, 60.0, rng())
