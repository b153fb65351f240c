import numpy as np
import pytest
from networks_for_tests import WaveSurrogate

from gliofit import Problem, invert
from gliofit.base.errors import BeyondModelError, InputError
from gliofit.inversion.search.evolution import SETTLING, search


def bowl(centre):
    return lambda points: ((points - centre) ** 2 * np.arange(1, points.shape[1] + 1)).sum(1)


OPTIONS = {"sigma0": 0.2, "population": None, "max_evaluations": 3000, "tolerance": 1e-10}


def test_search_finds_a_minimum_inside_and_on_the_bounds():
    inside = search(bowl(np.array([0.3, 0.6, 0.5])), np.full(3, 0.5), seed=0, **OPTIONS)
    assert inside.converged
    np.testing.assert_allclose(inside.unit, [0.3, 0.6, 0.5], atol=1e-3)
    active = search(bowl(np.array([1.4, 0.6, -0.2])), np.full(3, 0.5), seed=0, **OPTIONS)
    assert active.converged
    np.testing.assert_allclose(active.unit, [1.0, 0.6, 0.0], atol=1e-3)
    assert active.unit.min() >= 0
    assert active.unit.max() <= 1


def test_search_returns_the_best_it_ever_saw_and_says_when_its_budget_ended_it():
    seen = []

    def noisy(points):
        values = np.random.default_rng(len(seen)).random(len(points))
        seen.extend(zip(values, points, strict=True))
        return values

    found = search(noisy, np.full(4, 0.5), seed=1, **{**OPTIONS, "max_evaluations": 200})
    best = min(seen, key=lambda pair: pair[0])
    assert found.loss == best[0]
    np.testing.assert_array_equal(found.unit, best[1])
    assert found.evaluations == len(seen) <= 200 + 8
    assert found.history == sorted(found.history, reverse=True)
    assert not found.converged
    assert "maxfevals" in found.reason


def test_search_crosses_a_plateau_and_does_not_call_one_a_minimum():
    # flat but for a hole that the first population does not touch
    hole = lambda points: np.minimum(((points - 0.8) ** 2).sum(1), 0.05)  # noqa: E731
    found = search(hole, np.full(2, 0.5), seed=0, **{**OPTIONS, "sigma0": 0.08})
    assert found.history[2] == 0.05
    assert found.converged
    np.testing.assert_allclose(found.unit, 0.8, atol=1e-3)
    flat = search(lambda points: np.ones(len(points)), np.full(2, 0.5), seed=0, **OPTIONS)
    assert not flat.converged
    assert len(flat.history) >= SETTLING


def test_search_is_repeatable_and_leaves_numpys_generator_alone():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    runs = [search(bowl(np.full(3, 0.4)), np.full(3, 0.5), seed=seed, **OPTIONS) for seed in (0, 0, 7)]
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.testing.assert_array_equal(runs[0].unit, runs[1].unit)
    assert runs[0].history == runs[1].history
    assert runs[0].history != runs[2].history


def test_the_solver_recovers_theta_from_a_density(small_tissue, solved, truth):
    fit = invert(solved, small_tissue, "cmaes_solver", max_evaluations=320)
    np.testing.assert_allclose(fit.theta.origin, truth.origin, atol=1.0)
    np.testing.assert_allclose([fit.theta.mu_D, fit.theta.mu_rho], [truth.mu_D, truth.mu_rho], rtol=0.1)
    assert fit.loss == pytest.approx(np.mean((fit.density - solved) ** 2), rel=1e-3)
    assert fit.loss < 0.01 * np.mean(solved**2)
    # the result is the best candidate, rerun
    assert fit.loss == pytest.approx(fit.history[-1], rel=1e-6)
    assert 320 <= fit.evaluations <= 328
    assert len(fit.history) == fit.evaluations // 8


def test_candidates_that_are_no_tumours_are_passed_over(small_tissue, solved, monkeypatch):
    """A growth model may have no tumour for some of its values."""
    grown, refused = Problem.loss, []

    def loss(self, parameters):
        if parameters[3] > 14:
            refused.append(parameters)
            raise BeyondModelError("too far")
        return grown(self, parameters)

    monkeypatch.setattr(Problem, "loss", loss)
    fit = invert(solved, small_tissue, "cmaes_solver", max_evaluations=40)
    assert refused
    assert np.isfinite(fit.loss)
    assert fit.parameters["mu_D"] <= 14


def test_the_solver_fits_thresholds_along(small_tissue, segmented, solved, truth):
    fit = invert(segmented, small_tissue, "cmaes_solver", max_evaluations=450)
    assert set(fit.extras) == {"threshold_core", "threshold_whole"}
    assert fit.loss < 0.1 * fit.history[0]
    np.testing.assert_allclose(fit.theta.origin, truth.origin, atol=2.0)
    for name, observed in (("threshold_core", segmented.core), ("threshold_whole", segmented.whole)):
        seen = fit.density > fit.extras[name]
        assert 2 * (seen * observed).sum() / (seen.sum() + observed.sum()) > 0.95


def test_coarse_to_fine_spends_most_runs_on_the_coarse_grid(small_tissue, solved, truth, monkeypatch):
    from gliofit.inversion import Problem

    grids, plain = [], Problem.density

    def spy(problem, parameters):
        grids.append(problem.tissue.spacing[0])
        return plain(problem, parameters)

    monkeypatch.setattr(Problem, "density", spy)
    fit = invert(solved, small_tissue, "cmaes_solver", max_evaluations=200, spacing=8.0)
    fine = sum(spacing == 4.0 for spacing in grids) - 1  # the final rerun
    coarse = sum(spacing == 8.0 for spacing in grids)
    assert 160 <= coarse <= 168  # 80 %, in whole generations
    assert 200 <= coarse + fine == fit.evaluations <= 208
    assert fit.details["coarse_spacing"] == 8.0
    assert fit.details["coarse_generations"] == coarse / 8
    np.testing.assert_allclose(fit.theta.origin, truth.origin, atol=4.0)
    assert fit.history[-1] == pytest.approx(fit.loss, rel=1e-6)


def test_the_surrogate_judges_populations_in_one_pass(small_tissue, waved, truth):
    model = WaveSurrogate()
    settings = {"population": 12, "max_evaluations": 3000}  # enough for the search to end by itself
    fit = invert(waved, small_tissue, "cmaes_surrogate", networks={"surrogate": model}, **settings)
    np.testing.assert_allclose(fit.theta.to_array(), truth.to_array(), rtol=1e-2)
    assert fit.converged
    assert set(model.batches) == {12}
    assert fit.evaluations == sum(model.batches) == 12 * len(fit.history)


@pytest.mark.parametrize("bad", [{"sigma0": -1.0}, {"max_evaluations": 0}, {"tolerance": "small"}, {"spacing": -2.0}])
def test_nonsense_settings_are_refused(small_tissue, solved, bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        invert(solved, small_tissue, "cmaes_solver", **bad)
