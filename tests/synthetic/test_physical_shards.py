"""Tumours of given D, ρ and T about their origins, in many heads."""

import h5py
import numpy as np
import pytest

from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.growth import simulate
from gliofit.growth.theta import Theta
from gliofit.synthetic.check_shards import fault
from gliofit.synthetic.physical_prior import PhysicalPrior
from gliofit.synthetic.physical_shards import physical_split

SHAPE = (16, 16, 16)


@pytest.fixture(scope="module")
def made(small_tissue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("physical")
    paths = [folder / f"{i}.h5" for i in range(2)]
    prior = PhysicalPrior(ratio=100.0)
    physical_split(small_tissue, paths, 5, SHAPE, 4.0, prior, deformation=3.0, seed=1, split="test")
    return paths


def test_they_are_sound_shards_of_different_heads(made):
    assert [fault(path) for path in made] == [None, None]
    with h5py.File(made[0]) as first, h5py.File(made[1]) as second:
        assert first["theta"].shape == (3, 5)
        assert second["theta"].shape == (2, 5)
        assert first.attrs["tissue_sha256"] != second.attrs["tissue_sha256"]


def test_the_origin_is_in_the_middle_voxel(made):
    with h5py.File(made[0]) as file:
        for theta, offset in zip(file["theta"][:], file["offset"][:], strict=True):
            voxel = grids.to_voxel(file["affine"][:], theta[:3])
            assert np.all(np.abs(voxel - offset - np.array(SHAPE) // 2) <= 0.5)


def test_the_density_is_the_solver_s_at_the_prior_s_ratio(made):
    from gliofit.anatomy.tissue import Tissue

    with h5py.File(made[1]) as file:
        tissue = Tissue(*(file[f"tissue/{m}"][:] for m in ("wm", "gm", "csf")), file["affine"][:])
        theta, offset = Theta.from_array(file["theta"][0]), file["offset"][0]
        stored = file["density"][0] / 65535
        errors = [
            np.abs(grids.take(simulate(tissue, theta, ratio=ratio), offset, SHAPE) - stored).max()
            for ratio in (100.0, 10.0)
        ]
    assert errors[0] < 1e-4 < errors[1]


def test_d_rho_and_t_are_in_their_ranges(made):
    for path in made:
        with h5py.File(path) as file:
            for theta, days in zip(file["theta"][:], file["days"][:], strict=True):
                diffusivity, growth_rate = Theta.from_array(theta).to_physical(days)
                assert 0.01 <= diffusivity <= 0.08
                assert 0.0001 <= growth_rate <= 0.03
                assert 50 <= days <= 1000
                assert days % 50 == 0


def test_steps_of_days_reach_both_ends():
    rng = np.random.default_rng(0)
    days = {PhysicalPrior(days=(50, 200)).draw(rng)[2] for _ in range(100)}
    assert days == {50.0, 100.0, 150.0, 200.0}
    free = {PhysicalPrior(day_step=0).draw(rng)[2] % 50 for _ in range(5)}
    assert 0.0 not in free


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"diffusivity": (0.0, 0.08)}, "diffusivity = 0 … 0.08 must be positive and ascending"),
        ({"day_step": 2000.0}, "day_step = 2000"),
        ({"ratio": 0.0}, "ratio = 0"),
    ],
)
def test_impossible_priors_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        PhysicalPrior(**given)


def test_fewer_tumours_than_heads_are_refused(small_tissue, tmp_path):
    paths = [tmp_path / f"{i}.h5" for i in range(3)]
    with pytest.raises(InputError, match="2 tumours cannot be shared out among 3 heads"):
        physical_split(small_tissue, paths, 2, SHAPE, 4.0, PhysicalPrior(), deformation=0, seed=1, split="test")
