"""Growth with mass effect: what is conserved, what it becomes without a push, how it converges."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from gliofit import DensityTarget, InputError, SegmentationTarget, Theta, Tissue, growth_model, invert, simulate
from gliofit.base.errors import BeyondModelError
from gliofit.growth.mass_effect.medium import GM, WM, C, Medium
from gliofit.growth.mass_effect.moves import trust
from gliofit.growth.mass_effect.simulate import Report, Values, _cuts, run
from gliofit.growth.models.mass_effect import SOUGHT_FROM
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import minimise

THETA = (-4.0, 6.0, 2.0, 5.0, 3.0)


@pytest.fixture(scope="module")
def coarse_tissue(small_tissue) -> Tissue:
    """The small head at 6 mm."""
    return small_tissue.working_grid(6.0, margin_mm=6.0)


def test_without_a_push_it_is_fisher_kolmogorov(small_tissue):
    plain = simulate(small_tissue, Theta.from_array(THETA))
    density, u, tissue = growth_model("mass_effect").simulate(
        small_tissue, [*THETA, 0.0], displacement=True, displaced=True
    )
    np.testing.assert_allclose(density, plain, atol=1e-6)
    assert not u.any()
    np.testing.assert_array_equal(tissue.wm, small_tissue.wm)


def test_a_push_moves_tissue_outwards_and_keeps_it(small_tissue):
    model = growth_model("mass_effect")
    assert model.names[5] == "gamma"
    assert model.units[5] == "kPa"
    density, u, tissue = model.simulate(small_tissue, [*THETA, model.start[5]], displacement=True, displaced=True)
    assert density.min() >= 0
    assert density.max() <= 1
    assert u.shape == (3, *small_tissue.shape)
    volume = density.sum() * 0.064
    assert 20 < volume < 60
    # a few mm, outwards, and none outside the skull
    assert 1.5 < np.linalg.norm(u, axis=0).max() < 6
    away = np.moveaxis(small_tissue.to_world(np.moveaxis(np.indices(small_tissue.shape), 0, -1)), -1, 0)
    away = away - np.array(THETA[:3]).reshape(3, 1, 1, 1)
    assert np.mean((u * away).sum(0)[density > 0.1] > 0) > 0.95
    assert not u[:, ~small_tissue.brain].any()
    for name in ("wm", "gm"):
        before, after = getattr(small_tissue, name), getattr(tissue, name)
        assert after.min() >= 0
        assert after.sum(dtype=float) == pytest.approx(before.sum(dtype=float), rel=1e-4)
    assert tissue.csf.sum() < 0.97 * small_tissue.csf.sum()
    assert tissue.csf.max() <= 1


def test_cells_are_conserved_without_growth(small_tissue):
    medium = Medium.of(small_tissue, 0.0)
    (tumour,) = run(small_tissue, medium, Values(THETA[:3], 5.0, 0.0, 60e3))
    assert np.abs(tumour.u).max() > 0.05
    start = simulate(small_tissue, Theta(THETA[:3], 0.0, 0.0))
    assert tumour.state[C].sum(dtype=float) == pytest.approx(start.sum(dtype=float), rel=1e-6)
    assert tumour.state[C].min() >= 0


def test_pairs_of_steps_are_cut_evenly():
    for steps in range(1, 40):
        for pairs in (1, 3, 16, 48):
            cuts = _cuts(steps, pairs)
            assert len(cuts) == max(1, min(pairs, steps // 2))
            assert (cuts[0][0], cuts[-1][2]) == (0, steps)
            assert all(begin < middle <= stop for begin, middle, stop in cuts)
            assert all(a[2] == b[0] for a, b in pairwise(cuts))
            sizes = [stop - begin for begin, _, stop in cuts]
            assert max(sizes) - min(sizes) <= 3


@pytest.mark.parametrize("growth", [(0.0, 0.0), (1.0, 0.1), (3.0, 0.0)])
def test_tumours_that_hardly_grow_have_a_run(small_tissue, growth):
    density, u = growth_model("mass_effect").simulate(small_tissue, [*THETA[:3], *growth, 5.0], displacement=True)
    plain = simulate(small_tissue, Theta(THETA[:3], *growth))
    assert np.isfinite(u).all()
    assert np.linalg.norm(density - plain) < 0.05 * np.linalg.norm(plain)


def test_threads_do_not_change_a_run_or_its_derivatives(small_tissue):
    model, values = growth_model("mass_effect"), [*THETA, 12.0]
    (one, slopes), (two, others) = (model.simulate(small_tissue, values, jacobian=True, threads=n) for n in (1, 2))
    np.testing.assert_allclose(two, one, atol=2e-5)
    scale = np.abs(slopes).max((1, 2, 3), keepdims=True)
    assert np.abs((others - slopes) / scale).max() < 0.02


def test_a_fit_says_where_growth_is_too_fast_for_a_push(small_tissue):
    model, known = growth_model("mass_effect"), growth_model("mass_effect", gamma=12)
    assert model.doubts([*THETA, 12.0]) == []
    assert model.doubts([*THETA[:3], 3.0, 5.5, 0.1]) == []
    for said in (model.doubts([*THETA[:3], 3.0, 5.5, 12.0]), known.doubts([*THETA[:3], 3.0, 5.5])):
        assert said[0].startswith("mass effect at rho = 30.2")
    assert growth_model().doubts([*THETA[:3], 3.0, 5.5]) == []
    density = known.simulate(small_tissue, [*THETA[:3], 3.0, 4.8])
    fit = invert(density, small_tissue, model={"name": "mass_effect", "gamma": 12}, uncertainty=False, iterations=1)
    assert any("growth is so fast" in warning for warning in fit.warnings) == (fit.parameters["mu_rho"] ** 2 > 20)


def test_a_large_miss_is_not_made_up_for_at_once():
    assert trust(0.1) == (1, 1)
    assert trust(0.9) == pytest.approx((0.5, 1))
    assert trust(5.0) == (0, 0.5)


def smooth_tissue(n):
    """A cube of 80 mm with smooth tissue, on n³ voxels."""
    h = 80 / n
    axis = (np.arange(n) + 0.5) * h - 40
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    grey = 0.5 + 0.5 * np.sin(x / 9) * np.cos(y / 11) * np.sin(z / 8 + 1)
    affine = np.diag([h, h, h, 1.0])
    affine[:3, 3] = axis[0]
    return Tissue(1 - grey, grey, 0 * grey, affine)


def test_halving_steps_and_spacing_quarters_the_error():
    runs = []
    for times in (1, 2, 4):
        tissue = smooth_tissue(10 * times)
        medium = Medium.of(tissue, 0.0)
        values = Values((1.3, -2.1, 0.7), 12.0, 2.0, 10e3)
        (tumour,) = run(tissue, medium, values, refine=float(times), pairs=8 * times, tolerance=1e-4)
        inside = tuple(slice(-a, n - a) for a, n in zip(medium.offset, tissue.shape, strict=True))
        fields = np.stack([medium.grid.cells(tumour.state[row])[inside] for row in (C, WM, GM)])
        runs.append(fields.reshape(3, 10, times, 10, times, 10, times).mean((2, 4, 6)))
    change, later = (np.abs(b - a).mean((1, 2, 3)) for a, b in pairwise(runs))
    assert np.all(np.log2(change / later) > 1.8)


def test_both_forces_push(coarse_tissue):
    largest = []
    for force in ("gradient", "tanh"):
        model = growth_model("mass_effect", force=force)
        _, u = model.simulate(coarse_tissue, [*THETA, 12.0], displacement=True)
        largest.append(np.abs(u).max())
    # ∫tanh = ln cosh 1 = 0.43
    assert 0.25 < largest[1] / largest[0] < 0.6


def test_a_huge_push_ends_in_a_sentence_or_in_numbers(coarse_tissue):
    model = growth_model("mass_effect")
    with pytest.raises(InputError, match="gamma = 5000 kPa moves tissue further"):
        model.simulate(coarse_tissue, [*THETA, 5000.0])
    density, u = model.simulate(coarse_tissue, [*THETA, model.parameters[5].upper], displacement=True)
    assert np.isfinite(density).all()
    assert np.isfinite(u).all()
    with pytest.raises(InputError, match="must not be negative"):
        model.simulate(coarse_tissue, [*THETA, -1.0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"force": "pull"}, "unknown force 'pull'"),
        ({"screening": -1}, "must be a length"),
        ({"gamma": -1}, "must be a pressure"),
    ],
)
def test_options_that_are_none_are_told(options, words):
    with pytest.raises(InputError, match=words):
        growth_model("mass_effect", **options)


def test_gauss_newton_finds_the_push(coarse_tissue):
    truth = np.array([*THETA, 9.0])
    density = growth_model("mass_effect").simulate(coarse_tissue, truth)
    fit = invert(density, coarse_tissue, "gauss_newton", model="mass_effect")
    assert list(fit.parameters.values()) == pytest.approx(truth, rel=0.02)
    assert fit.covariance.shape == (6, 6)
    assert fit.model["derivatives"] == "differences"
    # from the first start it is explained
    assert len(fit.details["searches"]) < len(SOUGHT_FROM)


def test_gauss_newton_begins_with_growth_that_does_not_push(coarse_tissue):
    density = growth_model("mass_effect").simulate(coarse_tissue, [*THETA, 9.0])
    target = SegmentationTarget(*((density > t).astype(np.float32) for t in (0.6, 0.2)))
    settings = {"uncertainty": False, "threads": 1}
    fit = invert(target, coarse_tissue, "gauss_newton", model="mass_effect", iterations=2, **settings)
    plain = invert(target, coarse_tissue, "gauss_newton", **settings)
    searches = fit.details["searches"]
    assert [search["begun"] for search in searches] == [{"gamma": gamma} for gamma in SOUGHT_FROM]
    assert fit.loss < 1.001 * min(search["loss"] for search in searches)
    assert fit.loss < plain.loss


@pytest.mark.parametrize("derivatives", ["differences", "carried"])
def test_a_known_push_is_no_unknown(small_tissue, derivatives):
    values, how = np.array([-18.0, 8.0, 4.0, 4.0, 2.8]), {"jacobian": True, "threads": 1}
    free = growth_model("mass_effect", derivatives=derivatives)
    known = growth_model("mass_effect", derivatives=derivatives, gamma=8)
    assert known.names == free.names[:5]
    for found, wanted in zip(
        known.simulate(small_tissue, values, **how), free.simulate(small_tissue, [*values, 8.0], **how), strict=True
    ):
        np.testing.assert_allclose(found, wanted[:5] if wanted.ndim == 4 else wanted, atol=1e-6)
    assert growth_model(known.to_dict()).gamma == 8


def test_gauss_newton_takes_a_known_push_as_it_is(coarse_tissue):
    density = growth_model("mass_effect").simulate(coarse_tissue, [*THETA, 9.0])
    fit = invert(density, coarse_tissue, "gauss_newton", model={"name": "mass_effect", "gamma": 9}, uncertainty=False)
    assert list(fit.parameters.values()) == pytest.approx(THETA, rel=0.02)
    assert len(fit.details["searches"]) == 1


def test_searches_go_round_a_push_that_is_too_large(coarse_tissue, monkeypatch):
    target = DensityTarget(growth_model().simulate(coarse_tissue, THETA))
    model, problem_of = growth_model("mass_effect"), partial(Problem, coarse_tissue, target)
    simulated, refused = type(model).simulate, []

    def simulate(self, tissue, values, **options):
        if values[5] > 4:
            refused.append(values[5])
            raise BeyondModelError("too hard")
        return simulated(self, tissue, values, **options)

    monkeypatch.setattr(type(model), "simulate", simulate)
    # a step towards more of γ, as far as the matrix is wrong about it
    start = np.array([*THETA, 3.9])
    with pytest.raises(BeyondModelError):
        minimise(problem_of(model=model), start + np.eye(6)[5])
    push = growth_model("mass_effect").grow(coarse_tissue, [*THETA, 4.0], threads=1)
    problem = problem_of(model=model)
    problem.target = DensityTarget(2 * push - target.visible)  # as if it pushed twice as hard
    refused.clear()
    end = minimise(problem, start)
    assert refused
    assert np.isfinite(end.loss)
    assert end.loss < end.history[0]


def test_starts_that_push_too_hard_are_passed_over(coarse_tissue, monkeypatch):
    density = growth_model("mass_effect").simulate(coarse_tissue, [*THETA, 9.0])
    target = SegmentationTarget(*((density > t).astype(np.float32) for t in (0.6, 0.2)))
    model = growth_model("mass_effect")
    simulated, hardest = type(model).simulate, [12.0]

    def simulate(self, tissue, values, **options):
        if values[5] > hardest[0]:
            raise BeyondModelError("too hard")
        return simulated(self, tissue, values, **options)

    monkeypatch.setattr(type(model), "simulate", simulate)
    how = {"model": "mass_effect", "iterations": 2, "uncertainty": False, "threads": 1}
    fit = invert(target, coarse_tissue, "gauss_newton", **how)
    assert [search["begun"]["gamma"] for search in fit.details["searches"]] == [2.0, 8.0]
    hardest[0] = 0.5
    with pytest.raises(BeyondModelError, match="too hard"):
        invert(target, coarse_tissue, "gauss_newton", **how)


def test_the_jacobian_is_the_derivative(small_tissue):
    # in root mean square: a voxel that tissue is about to enter or leave changes faster than any difference shows
    model = growth_model("mass_effect")
    values = np.array([-18.0, 8.0, 4.0, 4.0, 2.8, 8.0])
    _, jacobian = model.simulate(small_tissue, values, jacobian=True, threads=1)
    for place in (4, 5):
        step = 0.01 * abs(values[place]) * np.eye(model.size)[place]
        more, less = (model.simulate(small_tissue, values + s * step, threads=1) for s in (1, -1))
        difference = (more - less) / (2 * step[place])
        error = np.linalg.norm(difference - jacobian[place]) / np.linalg.norm(difference)
        assert error < 0.1, (model.names[place], error)


def test_without_a_push_the_jacobian_is_fisher_kolmogorovs(small_tissue):
    values = np.array([-18.0, 8.0, 4.0, 4.0, 2.8, 0.0])
    _, exact = growth_model().simulate(small_tissue, values[:5], jacobian=True, threads=1)
    _, found = growth_model("mass_effect").simulate(small_tissue, values, jacobian=True, threads=1)
    assert np.linalg.norm(found[0] - exact[0]) < 0.03 * np.linalg.norm(exact[0])


def test_carried_derivatives_are_near_those_by_differences(small_tissue):
    by_differences, carried = (growth_model("mass_effect", derivatives=kind) for kind in ("differences", "carried"))
    values = np.array([-18.0, 8.0, 4.0, 4.0, 2.8, 8.0])
    density, found = carried.simulate(small_tissue, values, jacobian=True, threads=1)
    same, wanted = by_differences.simulate(small_tissue, values, jacobian=True, threads=1)
    np.testing.assert_array_equal(density, same)
    for one, other in zip(found, wanted, strict=True):
        assert one.ravel() @ other.ravel() > 0.85 * np.linalg.norm(one) * np.linalg.norm(other)
        assert 0.6 < np.linalg.norm(one) / np.linalg.norm(other) < 1.5
    values[5] = 0.0
    _, exact = growth_model().simulate(small_tissue, values[:5], jacobian=True, threads=1)
    np.testing.assert_allclose(
        carried.simulate(small_tissue, values, jacobian=True, threads=1)[1][:5], exact, atol=1e-6
    )


def test_a_tumour_that_fills_the_head_is_as_easily_solved_for(small_tissue):
    # a preconditioner that is kept while a tumour stiffens takes ten times as many iterations, or never ends
    report = Report()
    run(small_tissue, Medium.of(small_tissue, 270.0), Values(THETA[:3], 10.0, 6.0, 12e3), report=report)
    assert max(report.iterations) <= 14
