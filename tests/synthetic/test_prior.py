"""The prior: what it accepts, and that samples depend on their seed alone."""

import numpy as np
import pytest

from gliofit import Tissue, simulate
from gliofit.base.errors import InputError
from gliofit.synthetic.prior import OriginSampler, Prior, edge_samples, sample, samples


def test_accepted_tumours_satisfy_the_prior(small_tissue):
    prior = Prior(volume=(5, 60))
    for s in samples(small_tissue, prior, 6, 3):
        assert 2 <= s.theta.mu_D <= 25
        assert 1.5 <= s.theta.mu_rho <= 6
        assert 2 * s.theta.mu_D * s.theta.mu_rho <= 150
        assert 5 <= (s.density > 0.25).sum() * 0.064 <= 60
        assert s.volume == pytest.approx((s.density > 0.25).sum() * 0.064)
        assert small_tissue.mask[tuple(np.round(small_tissue.to_voxel(s.theta.origin)).astype(int))]
        np.testing.assert_array_equal(s.density, simulate(small_tissue, s.theta))


def test_a_sample_depends_on_its_own_seed_only(small_tissue):
    long = sample(small_tissue, Prior(), 3, (5, 0, 2))
    short = sample(small_tissue, Prior(), 2, (5, 0, 2))
    other = sample(small_tissue, Prior(), 1, (5, 1, 2))
    for (a, c), (b, d) in zip(long, short, strict=False):
        assert a == b
        np.testing.assert_array_equal(c, d)
    assert len({theta.mu_D for theta, _ in (*long, *other)}) == 4


@pytest.mark.parametrize("beyond", [0.0, 0.2])
def test_edge_samples_are_at_the_edges_or_beyond(small_tissue, beyond):
    prior, step = Prior(mu_D=(4, 12), mu_rho=(2, 4), volume=(5, 60)), 1 + beyond
    drawn = list(edge_samples(small_tissue, prior, 6, (1, 2), beyond=beyond))
    thetas = [s.theta for s in drawn]
    at = [thetas[0].mu_D, thetas[1].mu_D, thetas[2].mu_rho]
    np.testing.assert_allclose(at, [4 / step, 12 * step, 4 * step])
    assert [thetas[3].mu_D, thetas[4].mu_D, thetas[5].mu_rho] == pytest.approx(at)
    assert all(2 <= t.mu_rho <= 4 for t in thetas[:2])
    assert 4 <= thetas[2].mu_D <= 12
    assert all(5 <= s.volume <= 60 * step for s in drawn)
    assert len({t.origin for t in thetas}) == 6


def test_origins_are_uniform_over_tissue(small_tissue):
    """Their first two moments are those of p_WM + p_GM, and they are not tied to voxel centres."""
    origins = OriginSampler(small_tissue)
    rng = np.random.default_rng(0)
    points = np.array([origins.draw(rng) for _ in range(4000)])
    weights = np.where(small_tissue.mask, small_tissue.wm + small_tissue.gm, 0)
    centre = small_tissue.centre_of_mass(weights)
    world = small_tissue.to_world(np.moveaxis(np.indices(small_tissue.shape), 0, -1))
    variance = (weights[..., None] * (world - centre) ** 2).sum((0, 1, 2)) / weights.sum() + 4.0**2 / 12
    np.testing.assert_allclose(points.mean(0), centre, atol=4 * np.sqrt(variance.max() / 4000))
    np.testing.assert_allclose(points.var(0), variance, rtol=0.08)
    assert np.abs(small_tissue.to_voxel(points) % 1 - 0.5).std() == pytest.approx(1 / np.sqrt(48), rel=0.1)


def test_the_box_is_the_prior_s():
    box = Prior(mu_D=(3, 9), reach=30).box
    np.testing.assert_array_equal(box.lower, [-30, -30, -30, 3, 1.5])
    np.testing.assert_array_equal(box.upper, [30, 30, 30, 9, 6])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mu_D": (5, 2)}, "mu_D = 5 … 2"),
        ({"mu_rho": (0, 2)}, "mu_rho"),
        ({"volume": (5, np.inf)}, "volume"),
        ({"longest_wave": 5}, "longest_wave"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        Prior(**values)


def test_a_prior_that_fits_no_tumour_ends_with_a_sentence(small_tissue, monkeypatch):
    monkeypatch.setattr("gliofit.synthetic.prior.ATTEMPTS", 5)
    with pytest.raises(InputError, match="accepted none of 5 candidates"):
        sample(small_tissue, Prior(volume=(2000, 3000)), 1, 0)


def test_an_anatomy_without_tissue_is_refused():
    empty = np.zeros((4, 4, 4))
    with pytest.raises(InputError, match="no tissue"):
        sample(Tissue(empty, empty, empty, np.eye(4)), Prior(), 1, 0)
