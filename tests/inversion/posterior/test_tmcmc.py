"""The samplers on problems with known posteriors: evidence, moments, bounds, resumed runs."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from gliofit import InputError
from gliofit.inversion.posterior.emulated import Emulated, Emulator
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.proposals import Moments, Newton, Walk, draw, log_density
from gliofit.inversion.posterior.refined import Refined
from gliofit.inversion.posterior.start import BegunNear, climbed
from gliofit.inversion.posterior.tmcmc import Settings, next_power, result, sample, staged


class Normal:
    """A normal likelihood over the unit cube, cut off by it."""

    def __init__(self, mean, covariance):
        self.mean, self.covariance = np.asarray(mean, float), np.asarray(covariance, float)
        self.precision = np.linalg.inv(self.covariance)
        self.size = len(self.mean)

    def draw(self, rng, number):
        return rng.random((number, self.size))

    def supported(self, unit):
        return np.all((unit >= 0) & (unit <= 1), axis=1)

    def evaluate(self, unit, linearised=False):
        away = unit - self.mean
        value = multivariate_normal(self.mean, self.covariance).logpdf(unit).reshape(len(unit))
        if not linearised:
            return Points(unit.copy(), value)
        return Points(unit.copy(), value, -away @ self.precision, np.tile(self.precision, (len(unit), 1, 1)))


def correlated(size, deviation=0.02):
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(size, size)))
    return turn @ np.diag(np.linspace(0.3, 1.5, size) * deviation) ** 2 @ turn.T


KINDS = {
    "published": (Walk(0.04), Settings(300, moves=60, seed=3)),
    "walk": (Walk(0.04, 0.8, 0.6), Settings(600, final=1, seed=3)),
    "fewer points on the way": (Walk(0.04, 0.8, 0.6), Settings(600, final=1, seed=3, earlier=150)),
    "emulated": (Emulated(Walk(0.04, 0.8, 0.6), 20), Settings(256, final=1, seed=3)),
    "manifold": (Newton(0.6), Settings(256, variation=2.0, final=2, first=4, seed=3)),
}


class Likelihood(Normal):
    """Any likelihood over the unit cube."""

    def __init__(self, size, value):
        self.size, self.value = size, value

    def evaluate(self, unit, linearised=False):
        return Points(unit.copy(), self.value(unit))


def test_a_banana_of_eleven_unknowns():
    """Its evidence is that of the normal density it was bent from; one step a stage, as published, loses it."""
    deviation = np.full(11, 0.01)
    deviation[1] = 0.1

    def banana(unit):
        away = unit - 0.5
        away[:, 0] = away[:, 0] - 6 * (away[:, 1] ** 2 - deviation[1] ** 2)
        return norm(0, deviation).logpdf(away).sum(1)

    problem = Likelihood(11, banana)
    found = sample(problem, Walk(0.04, 0.8, 0.6), Settings(300, final=1, seed=1))
    assert abs(found.log_evidence) < 5 * found.log_evidence_error + 0.1
    spread = np.hypot(deviation, [6 * np.sqrt(2) * deviation[1] ** 2, *[0] * 10])
    np.testing.assert_allclose(found.unit.std(0), spread, rtol=0.25)
    assert np.all(np.abs(found.unit.mean(0) - 0.5) < 0.3 * spread)
    published = sample(problem, Walk(0.04), Settings(300, moves=1, seed=1))
    assert published.stages[-1]["correlation"] > 0.8
    assert abs(published.evidence_by_stages[0]) > 10 * published.evidence_by_stages[1]


def test_chains_of_an_emulator_take_the_place_of_runs():
    """Points of half the population move by what the other half has seen, so that tails are not lost."""
    problem, walk = Counted([0.4, 0.5, 0.6, 0.45], correlated(4)), Walk(0.04, 0.8, 0.6)
    plain, fewer = (sample(problem, how, Settings(256, final=1, seed=1)) for how in (walk, Emulated(walk, 20)))
    assert problem.runs == plain.runs + fewer.runs
    assert fewer.runs < 0.5 * plain.runs
    np.testing.assert_allclose(fewer.unit.std(0), plain.unit.std(0), rtol=0.2)
    assert abs(fewer.log_evidence - plain.log_evidence) < 5 * np.hypot(fewer.log_evidence_error, 0.05)
    few = sample(problem, Emulated(walk, 20), Settings(12, moves=2, seed=1))
    assert len(few.unit) == 12  # too few to learn from: they walk


def test_an_emulator():
    """It tells a smooth function between points, no more than the highest of them, and falls off where none are."""
    problem = Counted([0.4, 0.5, 0.6, 0.45], correlated(4))
    rng = np.random.default_rng(0)
    unit, new = (rng.multivariate_normal(problem.mean, problem.covariance, n) for n in (400, 50))
    known, moments = problem.evaluate(unit), Moments.of(unit)
    emulator = Emulator.of(known, 1.0, moments)
    right = problem.evaluate(new).log_likelihood
    assert np.std(emulator(new) - right) < 0.2 * right.std()
    assert emulator.error < 0.3 * right.std()
    assert emulator(unit).max() <= known.log_likelihood.max()
    far = problem.mean + np.sqrt(np.diag(problem.covariance)) * np.array([[20.0], [40.0]])
    assert emulator(far)[1] < emulator(far)[0] < known.log_likelihood.min()
    assert Emulator.of(known.take(np.arange(9)), 1.0, moments) is None
    assert Emulator.of(known.take(np.zeros(99, int)), 1.0, moments) is None
    plane = unit.copy()
    plane[:, 0] = plane[:, 1]
    flat = Emulator.of(problem.evaluate(plane), 1.0, Moments.of(plane))
    assert flat is None or np.isfinite(flat(plane)).all()


def test_two_modes():
    """Both are kept in their shares, and their evidence is right, though one normal distribution covers neither."""
    means, share = np.array([[0.3] * 4, [0.6] * 4]), np.array([0.7, 0.3])

    def two(unit):
        parts = [norm(m, 0.03).logpdf(unit).sum(1) + np.log(s) for m, s in zip(means, share, strict=True)]
        return np.logaddexp(*parts)

    found = sample(Likelihood(4, two), Walk(0.04, 0.8, 0.6), Settings(800, final=1, seed=1))
    first = found.unit[:, 0] < 0.45
    assert first.mean() == pytest.approx(0.7, abs=0.12)
    assert found.unit[first].std(0) == pytest.approx(0.03, rel=0.15)
    assert abs(found.log_evidence) < 5 * found.log_evidence_error + 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_normal_posterior_and_its_evidence(kind):
    proposal, settings = KINDS[kind]
    mean = np.array([0.4, 0.5, 0.6, 0.45])
    problem = Normal(mean, correlated(4))
    found = sample(problem, proposal, settings)
    # the prior's density is 1 and the likelihood's integral is 1
    assert abs(found.log_evidence) < 5 * found.log_evidence_error + 0.15
    error = found.error_of_mean(found.unit)
    deviation = np.sqrt(np.diag(problem.covariance))
    assert np.all(np.abs(found.unit.mean(0) - mean) < 5 * error + 0.02 * deviation)
    assert np.all(error < 0.3 * deviation)
    np.testing.assert_allclose(found.unit.std(0), deviation, rtol=0.2)
    truth = problem.covariance / np.outer(deviation, deviation)
    np.testing.assert_allclose(np.corrcoef(found.unit.T), truth, atol=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_posterior_at_the_bounds(kind):
    """Half a normal density, its peak on a face of the cube: redrawing what falls outside would be wrong by a tenth."""
    proposal, settings = KINDS[kind]
    scale = 0.05
    problem = Normal([0.0, 1.0], np.diag([scale**2] * 2))
    found = sample(problem, proposal, replace(settings, samples=2 * settings.samples))
    half = scale * np.sqrt(2 / np.pi)
    assert abs(found.log_evidence - 2 * np.log(0.5)) < 4 * found.log_evidence_error + 0.05
    np.testing.assert_allclose(found.unit.mean(0), [half, 1 - half], atol=0.12 * half)
    np.testing.assert_allclose(found.unit.std(0), scale * np.sqrt(1 - 2 / np.pi), rtol=0.12)


def test_steps_keep_a_density_that_is_cut_off():
    """Many Hastings steps from exact draws of a triangular density over a narrow cube leave it as it is."""
    rng = np.random.default_rng(0)
    number = 20_000
    points = np.sqrt(rng.random((number, 1)))  # density 2x
    root = np.full((number, 1, 1), 0.7)
    for _ in range(8):
        new, there = draw(points, root, rng)
        ratio = np.log(new / points)[:, 0] + log_density(points, new, root) - there
        taken = np.log(rng.random(number)) < ratio
        points[taken] = new[taken]
    assert points.mean() == pytest.approx(2 / 3, abs=5 * np.sqrt(1 / 18 / number))
    assert (points**2).mean() == pytest.approx(1 / 2, abs=5 * np.sqrt(1 / 12 / number))


def test_density_of_a_step():
    """Against the normal density divided by the cube's share of it; in 2D one coordinate after another."""
    centre, root = np.array([[0.1, 0.9]]), np.array([[[0.3, 0.0], [0.2, 0.4]]])
    at = np.array([[0.35, 0.6]])
    first = norm(0.1, 0.3)
    second = norm(0.9 + 0.2 * (0.35 - 0.1) / 0.3, 0.4)
    expected = sum(d.logpdf(x) - np.log(d.cdf(1) - d.cdf(0)) for d, x in zip((first, second), at[0], strict=True))
    assert log_density(at, centre, root)[0] == pytest.approx(expected, rel=1e-9)
    new, there = draw(np.repeat(centre, 500, 0), np.repeat(root, 500, 0), np.random.default_rng(0))
    assert new.min() >= 0
    assert new.max() <= 1
    np.testing.assert_allclose(log_density(new, np.repeat(centre, 500, 0), np.repeat(root, 500, 0)), there, rtol=1e-6)


def test_a_stage_goes_as_far_as_the_weights_allow():
    values = np.random.default_rng(0).normal(size=500) * 50
    power, variation = next_power(values, 0.1, 1.0)
    assert 0.1 < power < 1
    weights = np.exp((power - 0.1) * (values - values.max()))
    assert weights.std() / weights.mean() == pytest.approx(1, abs=1e-6)
    assert variation == pytest.approx(1, abs=1e-6)
    assert next_power(np.zeros(50), 0.3, 1.0) == (1.0, 0.0)


def test_a_killed_run_goes_on_to_the_same_samples(tmp_path):
    """SIGKILL in the middle of stage 5; threads and timing have no part in the samples."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time, numpy as np\n"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        "from test_tmcmc import Normal, correlated, Settings, Walk, sample\n"
        "class Slow(Normal):\n"
        "    calls = 0\n"
        "    def evaluate(self, unit, linearised=False):\n"
        "        self.calls += 1\n"
        "        if self.calls == 6:\n"
        "            print('stage 5', flush=True)\n"
        "            time.sleep(60)\n"
        "        return super().evaluate(unit, linearised)\n"
        "problem = Slow([0.4] * 4, correlated(4, 0.005))\n"
        f"sample(problem, Walk(0.04), Settings(100, moves=1, seed=2), checkpoint={str(tmp_path / 'c.npz')!r})\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == b"stage 5\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    problem, settings = Normal([0.4] * 4, correlated(4, 0.005)), Settings(100, moves=1, seed=2)
    undisturbed = sample(problem, Walk(0.04), settings)
    resumed = sample(problem, Walk(0.04), settings, checkpoint=tmp_path / "c.npz")
    assert len(resumed.stages) == len(undisturbed.stages) > 7
    np.testing.assert_array_equal(resumed.unit, undisturbed.unit)
    assert resumed.log_evidence == undisturbed.log_evidence
    np.testing.assert_array_equal(resumed.chain, undisturbed.chain)


def test_checkpoints_of_other_runs_are_refused(tmp_path):
    problem, path = Normal([0.4] * 2, correlated(2)), tmp_path / "c.npz"
    sample(problem, Walk(0.04), Settings(50), checkpoint=path, config={"data": "a"})
    with pytest.raises(InputError, match=r"c\.npz: is the checkpoint of another config \(data differ\)"):
        sample(problem, Walk(0.04), Settings(50), checkpoint=path, config={"data": "b"})
    with pytest.raises(InputError, match="settings differ"):
        sample(problem, Walk(0.04), Settings(60), checkpoint=path, config={"data": "a"})
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"c\.npz: is no checkpoint"):
        sample(problem, Walk(0.04), Settings(50), checkpoint=path)


def test_points_without_a_likelihood_are_left_behind():
    class Holed(Normal):
        def evaluate(self, unit, linearised=False):
            found = super().evaluate(unit, linearised)
            value = np.where(unit[:, 0] < 0.3, np.nan, found.log_likelihood)
            return Points(found.unit, value, found.gradient, found.matrix)

    found = sample(Holed([0.4, 0.5], correlated(2, 0.05)), Walk(0.1), Settings(400))
    assert found.unit[:, 0].min() >= 0.3


def test_a_prior_without_any_likelihood_is_refused():
    class Empty(Normal):
        def evaluate(self, unit, linearised=False):
            return Points(unit, np.full(len(unit), -np.inf))

    with pytest.raises(InputError, match="no point of the prior has a likelihood"):
        sample(Empty([0.4], [[1.0]]), Walk(0.1), Settings(10))


@pytest.mark.parametrize("begin", ["prior", "mode"])
def test_intervals_hold_the_truth_as_often_as_they_say(begin):
    """Truths from the prior, data from the likelihood: ranks of the truth are uniform, at the bounds, too."""
    ranks = []
    for case in range(30):
        rng = np.random.default_rng([7, case])
        truth = rng.random(3)
        covariance = correlated(3, 0.2)
        problem = Normal(rng.multivariate_normal(truth, covariance), covariance)
        if begin == "mode":
            problem = BegunNear(problem, climbed(problem, np.full(3, 0.5)))
        found = sample(problem, Walk(0.04, 0.8, 0.6), Settings(64, moves=10, first=2, final=1, seed=case))
        ranks.append((found.unit < truth).mean(0))
    ranks = np.array(ranks)
    for share in (0.5, 0.9):
        inside = (np.abs(ranks - 0.5) <= share / 2).mean(1)
        assert abs(inside.mean() - share) < 4 * max(inside.std() / np.sqrt(30), 0.02)
    assert abs(ranks.mean() - 0.5) < 4 * 0.29 / np.sqrt(90)


def test_a_search_goes_along_the_edge_of_the_prior():
    """Not only up to it: an unknown that cannot go on alone waits for the others."""

    class CutOff(Normal):
        def supported(self, unit):
            return super().supported(unit) & (unit[:, 0] + unit[:, 1] <= 0.8)

    problem = CutOff([0.7, 0.3, 0.4], np.diag([0.1, 0.02, 0.1]) ** 2)
    found = climbed(problem, np.array([0.25, 0.5, 0.5]))
    assert problem.supported(found.unit).all()
    np.testing.assert_allclose(found.unit[0], [0.5, 0.3, 0.4], atol=0.02)


class Counted(Normal):
    """With a third of the likelihood's curvature in a fourth power, that no quadratic tells."""

    runs = 0

    def evaluate(self, unit, linearised=False):
        self.runs += len(unit)
        found = super().evaluate(unit)
        away = (unit - self.mean) / np.sqrt(np.diag(self.covariance))
        return Points(found.unit, found.log_likelihood - 0.02 * (away**4).sum(1))


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_a_cheap_likelihood_changes_the_way_and_not_the_end(shift):
    """Samples are those of the costly one, also where the cheap one is elsewhere; and few runs of it make them."""
    settings = Settings(600, final=1, moves=20, seed=5)
    costly = Counted([0.4, 0.5, 0.6, 0.45], correlated(4))
    aside = shift * np.sqrt(np.diag(costly.covariance))
    cheap = Normal(costly.mean + aside, 1.5 * costly.covariance)
    alone = sample(costly, Walk(0.04, 0.8, 0.6), settings)
    before, costly.runs = costly.runs, 0
    both, walk = Refined(costly, cheap), Emulated(Walk(0.04, 0.8, 0.6), 10)
    fewer = staged(cheap, walk, replace(settings, samples=300, final=0))
    found = result(costly, staged(both, walk, settings, begin=lambda: both.first(fewer)), settings)
    assert costly.runs < 0.3 * before
    assert len(found.unit) == 1200
    deviation = alone.unit.std(0)
    assert np.all(np.abs(found.unit.mean(0) - costly.mean) < 0.25 * deviation)
    np.testing.assert_allclose(found.unit.std(0), deviation, rtol=0.15)
    errors = found.log_evidence_error, alone.log_evidence_error, found.evidence_by_stages[1]
    assert abs(found.log_evidence - alone.log_evidence) < 5 * np.hypot(*errors[:2])
    assert abs(found.evidence_by_stages[0] - alone.log_evidence) < 5 * np.hypot(*errors[1:]) + 0.1
    assert sum(stage["runs"] for stage in found.stages) + 256 == costly.runs == found.runs


def test_settings_are_checked():
    for wrong in ({"samples": 1}, {"samples": 2.5}, {"samples": 5, "moves": 0}, {"samples": 5, "final": -1}):
        with pytest.raises(InputError, match="whole number"):
            Settings(**wrong)
    with pytest.raises(InputError, match="variation"):
        Settings(10, variation=0)
    with pytest.raises(InputError, match="correlation"):
        Settings(10, correlation=0.0)
