"""Growth models: the seam, and the two that come with the package."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit import DensityTarget, InputError, Problem, Theta, growth_model, invert, simulate
from gliofit.growth.model import MODELS
from gliofit.observation.segmentation import SegmentationTarget

VALUES = (-4.0, 6.0, 2.0, 5.0, 3.0)


def vector(model):
    """Parameters of a model near `VALUES`, other unknowns beside their start."""
    values = model.from_theta(VALUES)
    further = np.setdiff1d(np.arange(model.size), model.theta_places)
    values[further] *= 1.3
    return values


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_models_face_is_complete(name, small_tissue):
    model = growth_model(name)
    assert len(model.names) == len(model.units) == len(model.start) == model.size
    assert np.isnan(model.start[model.origins]).all()
    assert np.isfinite(np.delete(model.start, model.origins)).all()
    box = model.box(np.zeros(3), np.array([[-40.0] * 3, [40.0] * 3]))
    assert box.contains(model.begin(np.zeros(3)))
    assert growth_model(model.to_dict()).names == model.names
    density = model.simulate(small_tissue, vector(model))
    assert density.shape == small_tissue.shape
    assert 0 < density.max() <= 1


# where a border of tissue passes a voxel, mass effect bends too fast for this: tests/growth/mass_effect has its own
@pytest.mark.parametrize("name", sorted(set(MODELS) - {"mass_effect"}))
def test_a_models_jacobian_is_its_derivative(name, small_tissue):
    model = growth_model(name)
    values = vector(model)
    density, jacobian = model.simulate(small_tissue, values, jacobian=True, threads=1)
    np.testing.assert_allclose(density, model.simulate(small_tissue, values, threads=1), atol=1e-6)
    for place in range(model.size):
        # a step that is large beside single precision; the next order cancels
        step = 5e-3 * max(1.0, abs(values[place]))
        more, less = (values + sign * step * np.eye(model.size)[place] for sign in (1, -1))
        difference = (model.simulate(small_tissue, more) - model.simulate(small_tissue, less)) / (2 * step)
        error = np.abs(difference - jacobian[place]).max()
        assert error < 0.02 * np.abs(difference).max() + 1e-4


def test_the_plain_model_is_the_solver(small_tissue):
    model = growth_model("fisher_kolmogorov")
    assert model.names == ("x", "y", "z", "mu_D", "mu_rho")
    theta = Theta.from_array(VALUES)
    np.testing.assert_array_equal(
        model.simulate(small_tissue, VALUES, threads=1), simulate(small_tissue, theta, threads=1)
    )


def test_the_ratio_of_ten_is_the_plain_model(small_tissue):
    model = growth_model("fisher_kolmogorov_ratio")
    plain = simulate(small_tissue, Theta.from_array(VALUES), threads=1)
    np.testing.assert_array_equal(model.simulate(small_tissue, [*VALUES, 10.0], threads=1), plain)


@pytest.mark.parametrize("method", ["gauss_newton", "cmaes_solver"])
def test_a_model_runs_through_methods_that_do_not_know_it(method, small_tissue):
    model = growth_model("fisher_kolmogorov_ratio")
    truth = np.array([*VALUES, 25.0])
    settings = {"cmaes_solver": {"max_evaluations": 120}}.get(method, {})
    density = model.simulate(small_tissue, truth)
    fit = invert(density, small_tissue, method, model="fisher_kolmogorov_ratio", **settings)
    assert tuple(fit.parameters) == model.names
    assert fit.model == {"name": "fisher_kolmogorov_ratio"}
    problem = Problem(small_tissue, DensityTarget(density), model=model)
    assert fit.loss < problem.loss(problem.start)
    assert problem.box.contains(model.values_of(fit.parameters))
    if method == "gauss_newton":
        assert fit.parameters["ratio"] == pytest.approx(25.0, rel=0.05)
        assert fit.covariance.shape == (6, 6)


def test_a_model_is_seen_through_outlines_too(small_tissue):
    model = growth_model("fisher_kolmogorov_ratio")
    density = model.simulate(small_tissue, [*VALUES, 25.0])
    target = SegmentationTarget(*((density > t).astype(np.float32) for t in (0.65, 0.25)))
    fit = invert(target, small_tissue, model={"name": "fisher_kolmogorov_ratio"})
    assert fit.covariance.shape == (8, 8)
    assert list(fit.extras) == ["threshold_core", "threshold_whole"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("fischer_kolmogorov", "unknown growth model 'fischer_kolmogorov'; did you mean 'fisher_kolmogorov'"),
        ({"name": "fisher_kolmogorov_ratio", "ratio": 3}, "has no option 'ratio'"),
        ({"ratio": 3}, "has no name"),
    ],
)
def test_what_is_no_model_is_told(asked, words):
    with pytest.raises(InputError, match=words):
        growth_model(asked)


@pytest.mark.parametrize("values", [VALUES[:4], (*VALUES, 1.0), (np.nan, *VALUES[1:])])
def test_values_that_are_none_are_told(values, small_tissue):
    with pytest.raises(InputError, match="takes 5 finite numbers"):
        growth_model().simulate(small_tissue, values)


def test_networks_know_their_own_model_only(small_tissue):
    density = simulate(small_tissue, Theta.from_array(VALUES))
    with pytest.raises(InputError, match="direct knows growth model fisher_kolmogorov, not fisher_kolmogorov_ratio"):
        invert(density, small_tissue, "direct", networks={"inverse": "x"}, model="fisher_kolmogorov_ratio")
