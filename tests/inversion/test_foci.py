"""How many foci: found where there are two, and not where there is one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from networks_for_tests import KnownInverse, WaveSurrogate, wave_density

from gliofit import InputError, Problem, SegmentationTarget, Theta, growth_model, invert
from gliofit.growth.autograd import simulate_torch
from gliofit.inversion import describe, foci
from gliofit.inversion.foci import Foci, worth_it
from gliofit.inversion.search.levenberg_marquardt import Minimum

AUTO = {"name": "fisher_kolmogorov", "foci": "auto"}
ONE = (-4.0, 12.0, 2.0, 3.6, 2.6)
TWO = (-14.0, 12.0, 2.0, 16.0, -10.0, 4.0, 3.0, 2.6)
APART = ((-14.0, 6.0, 8.0), (18.0, -6.0, 12.0))


def outlines(density):
    return SegmentationTarget(*((density > t).astype(np.float32) for t in (0.6, 0.2)))


@pytest.fixture(scope="module")
def densities(small_tissue):
    return {
        1: growth_model("fisher_kolmogorov").simulate(small_tissue, ONE),
        2: growth_model("fisher_kolmogorov", foci=2).simulate(small_tissue, TWO),
    }


@pytest.fixture(scope="module")
def found(small_tissue, densities):
    """Fits with the number of foci that the outlines speak for, by the true one."""
    return {k: invert(outlines(c), small_tissue, model=AUTO, uncertainty=False) for k, c in densities.items()}


@pytest.mark.parametrize("number", [1, 2])
def test_the_number_of_foci_is_found(found, number):
    fit = found[number]
    assert len(fit.origins) == number
    assert len(fit.foci["loss"]) == len(fit.foci["dice"]) >= number
    assert tuple(fit.parameters) == growth_model(fit.model).names


@pytest.mark.parametrize("number", [1, 2])
def test_one_focus_more_is_never_worse(found, number):
    losses = found[number].foci["loss"]
    assert len(losses) > number
    for fewer, more in pairwise(losses):
        assert more <= 1.001 * fewer


@pytest.mark.parametrize("method", ["gb_surrogate", "hybrid"])
@pytest.mark.parametrize("number", [1, 2])
def test_the_surrogate_tells_how_many_foci(small_tissue, method, number):
    """The search runs on the network; the solver at most once more often than there are foci."""
    joined = 1 - np.prod([1 - wave_density(small_tissue, Theta(o, 6.0, 3.0)) for o in APART[:number]], axis=0)
    networks = {"surrogate": WaveSurrogate(), "inverse": KnownInverse(Theta((0.0, 6.0, 8.0), 7.0, 3.0))}
    problem = Problem(small_tissue, outlines(joined), networks, model=growth_model(AUTO))
    fit = describe(method).run(problem)
    assert len(fit.origins) == number
    assert problem.runs.number <= number + 1
    assert len(fit.foci["loss"]) == len(fit.foci["dice"]) > number
    assert fit.loss == pytest.approx(problem.target.sharpened().loss(fit.density, extras(fit)))
    assert fit.foci["dice"][number - 1] == fit.explained(problem.target)
    for found in fit.origins:
        assert np.linalg.norm(np.array(APART[:number]) - found, axis=1).min() < 8


def extras(fit):
    return np.array(list(fit.extras.values()))


def test_derivatives_by_all_origins_come_through_torch(small_tissue, densities):
    values = torch.tensor(TWO, dtype=torch.float64, requires_grad=True)
    density = simulate_torch(small_tissue, values)
    np.testing.assert_array_equal(density.detach().numpy(), densities[2])
    weights = np.random.default_rng(2).normal(size=small_tissue.shape).astype(np.float32)
    (density * torch.from_numpy(weights)).sum().backward()
    _, jacobian = growth_model("fisher_kolmogorov", foci=2).simulate(small_tissue, TWO, jacobian=True)
    np.testing.assert_allclose(values.grad, np.einsum("ixyz,xyz->i", jacobian, weights), rtol=1e-3, atol=1e-3)


def test_two_foci_explain_what_one_does_not(small_tissue, densities):
    target = outlines(densities[2])
    one, two = (invert(target, small_tissue, model={**AUTO, "foci": k}) for k in (1, 2))
    assert two.loss < 0.5 * one.loss
    error = [np.mean((fit.density - densities[2]) ** 2) for fit in (one, two)]
    assert error[1] < 0.5 * error[0]


def test_the_main_focus_is_the_one_with_the_most_cells(small_tissue, densities):
    model = growth_model("fisher_kolmogorov", foci=2)
    theta = model.theta(np.array(TWO), small_tissue, densities[2])
    apart = [np.linalg.norm(np.array(theta.origin) - TWO[i : i + 3]) for i in (0, 3)]
    assert min(apart) == 0
    cells = [densities[2] * _nearest(small_tissue, i) for i in (0, 1)]
    assert np.argmin(apart) == np.argmax([c.sum() for c in cells])


def _nearest(tissue, focus):
    world = tissue.to_world(np.moveaxis(np.indices(tissue.shape), 0, -1))
    apart = [np.linalg.norm(world - np.array(TWO[i : i + 3]), axis=-1) for i in (0, 3)]
    return np.argmin(apart, axis=0) == focus


def test_methods_that_know_one_focus_fit_one_or_say_so(small_tissue, densities):
    settings = {"max_evaluations": 20}
    fit = invert(outlines(densities[1]), small_tissue, "cmaes_solver", model=AUTO, **settings)
    assert tuple(fit.parameters) == ("x", "y", "z", "mu_D", "mu_rho")
    with pytest.raises(InputError, match="method lmi fits one focus, not 2"):
        invert(outlines(densities[1]), small_tissue, "lmi", model={**AUTO, "foci": 2}, networks={"lmi": "x"})


@pytest.mark.parametrize("foci", [0, 7, 1.5, True, "two"])
def test_numbers_of_foci_that_are_none_are_told(foci):
    with pytest.raises(InputError, match="foci"):
        growth_model("fisher_kolmogorov", foci=foci)


def test_what_a_focus_must_be_worth_grows_with_its_unknowns():
    assert worth_it(0.2, 0.1, patches=100, unknowns=3)
    assert not worth_it(0.2, 0.195, patches=100, unknowns=3)
    assert not worth_it(0.2, 0.1, patches=100, unknowns=70)
    assert not worth_it(0.2, 0.2, patches=100, unknowns=3)


@pytest.mark.parametrize(
    ("along", "radius", "deformed", "kept"),
    [
        ((0, 10), 40, 1.0, False),
        ((0, 16), 40, 0.11, True),
        ((0, 16), 40, 0.103, False),
        ((0, 25), 40, 0.095, True),
        ((0, 25), 40, 0.08, False),
        # any two foci that are near count
        ((0, 16, 50), 40, 0.095, False),
        ((0, 10, 50), 40, 1.0, False),
        # what is near is less in a small tumour
        ((0, 10), 12, 0.11, True),
        ((0, 10), 12, 0.103, False),
        ((0, 13), 12, 0.095, True),
        ((0, 8), 12, 1.0, False),
    ],
)
def test_foci_nearby_must_explain_more_than_a_deformation(
    small_tissue, densities, monkeypatch, along, radius, deformed, kept
):
    fewer, model = (growth_model("fisher_kolmogorov", foci=len(along) - less) for less in (1, 0))
    problem = Problem(small_tissue, outlines(densities[1]), model=fewer)
    more = replace(problem, model=model)
    extras = problem.target.extra_start
    start = Minimum(np.concatenate([fewer.begin(problem.centre), extras]), 0.2, [], True, "")
    values = model.begin(problem.centre)
    values[model.origins[:, 0]] += along
    further = Minimum(np.concatenate([values, extras]), 0.1, [], True, "")
    monkeypatch.setattr(foci, "deformed_loss", lambda *given: deformed)
    monkeypatch.setattr(foci, "ball_radius", lambda mask, spacing: radius)
    assert foci._kept(Foci(problem, start, [0.2], []), further, more, densities[1], patches=40.0) is kept
