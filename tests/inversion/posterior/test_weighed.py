"""Importance sampling with the imaging integrated out: its cells, agreement with TMCMC, resumed runs, giving up."""

import numpy as np
import pytest
from analytic_tumour import wave_posterior
from samplers import agreeing

from gliofit import InputError
from gliofit.inversion.posterior.imaging import Imaging, _edges
from gliofit.inversion.posterior.proposals import Walk
from gliofit.inversion.posterior.start import BegunNear, climbed
from gliofit.inversion.posterior.tmcmc import Settings, sample
from gliofit.inversion.posterior.weighed import effective, weighed

TRUTH = np.array([6.0, 20.0, 4.0, 7.0, 2.4])


@pytest.fixture(scope="module")
def posterior(small_tissue):
    return wave_posterior(small_tissue.working_grid(8.0), TRUTH, 0.05)


@pytest.fixture(scope="module")
def mode(posterior):
    return climbed(posterior, posterior.near(np.array([*TRUTH, 0.6, 0.3, 1.0, 0.2])))


def test_cells_cover_the_cube_and_are_narrow_about_the_mode():
    edges = _edges(0.3, 0.01, 0.02, 100)
    assert edges[0] == 0
    assert edges[-1] == 1
    assert np.all(np.diff(edges) > 0)
    about = np.abs((edges[1:] + edges[:-1]) / 2 - 0.3) < 0.1
    assert np.all(np.diff(edges)[about] < 0.007)
    assert len(_edges(0.0, 1e-6, 1e-6, 100)) < 200
    assert len(_edges(1.0, 0.3, 0.3, 100)) < 200


def test_the_imaging_integrated_out(posterior, mode):
    """Draws have the density that they come with, and their mass is that of a plain average over the cube."""
    imaging = Imaging(posterior, mode)
    assert imaging.growth.tolist() == [0, 1, 2, 3, 4]
    values = posterior.parameters(mode.unit)[:, :5]
    (c,) = posterior.forward.densities(values, lambda _, c: c)
    masses = []
    for seed in range(40):
        given = imaging.given(c, np.random.default_rng(seed), 4)
        unit = np.tile(mode.unit, (4, 1))
        unit[:, imaging.others] = given.unit
        # what is left is what bins of the histogram do not tell
        assert np.ptp(posterior.of_density(c, unit) - given.log_density - given.log_mass) < 0.1
        masses.append(given.log_mass)
    assert np.std(masses) < 0.4
    rng, spread = np.random.default_rng(1), np.array([0.05, 0.05, 0.05, 0.05, 0.05, 0.05])
    about = rng.normal(mode.unit[0, imaging.others], spread, (20_000, 6))
    inside = np.all((about > 0) & (about < 1), 1)
    away = (about[inside] - mode.unit[0, imaging.others]) / spread
    log_drawn = -0.5 * (away**2 + np.log(2 * np.pi)).sum(1) - np.log(spread).sum()
    unit = np.tile(mode.unit, (inside.sum(), 1))
    unit[:, imaging.others] = about[inside]
    weights = np.exp(posterior.of_density(c, unit) - log_drawn - np.mean(masses))
    mean, error = weights.sum() / 20_000, weights.std() / np.sqrt(20_000)
    assert mean == pytest.approx(np.mean(np.exp(masses - np.mean(masses))), abs=5 * error + 0.1)


def test_agrees_with_tmcmc(posterior, mode):
    found = weighed(posterior, mode, Settings(96, seed=3), 12)
    walk = sample(BegunNear(posterior, mode), Walk(0.04, 0.8, 0.6), Settings(192, moves=15, first=2, final=1, seed=1))
    assert found.runs < walk.runs / 4
    _, two = agreeing(posterior, walk, found, sigmas=0.5, evidence=0.3)
    assert found.effective(two).min() > 40


def test_a_run_that_was_killed_goes_on_to_the_same_samples(posterior, mode, tmp_path):
    settings = Settings(48, seed=5)
    whole = weighed(posterior, mode, settings, 12)
    path = str(tmp_path / "rounds.npz")
    assert weighed(posterior, mode, settings, 12, path) is not None
    again = weighed(posterior, mode, settings, 12, path)
    np.testing.assert_array_equal(again.unit, whole.unit)
    assert again.log_evidence == whole.log_evidence
    with pytest.raises(InputError, match=r"rounds\.npz: is the checkpoint of another config \(settings differ\)"):
        weighed(posterior, mode, Settings(48, seed=6), 12, path)


def test_too_uneven_weights_give_no_samples(posterior, mode):
    assert weighed(posterior, mode, Settings(64, seed=1), 1) is None
    assert effective(np.zeros(7)) == pytest.approx(7)
    assert effective(np.array([0.0, -np.inf, -np.inf])) == pytest.approx(1)
