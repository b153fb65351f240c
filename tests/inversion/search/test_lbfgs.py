import numpy as np
import pytest
import torch

from gliofit.inversion.search.lbfgs import MARGIN, minimise, to_free

QUADRATIC = torch.tensor([[3.0, 1.2, 0.4], [1.2, 2.0, -0.8], [0.4, -0.8, 1.5]], dtype=torch.float64)


def quadratic(centre):
    centre = torch.tensor(centre, dtype=torch.float64)
    return lambda u: (u - centre) @ QUADRATIC @ (u - centre)


def bounded_minimum(centre):
    """By scipy's bounded quasi-Newton method."""
    from scipy.optimize import minimize

    a, b = QUADRATIC.numpy(), np.array(centre)
    function = lambda u: ((u - b) @ a @ (u - b), 2 * a @ (u - b))  # noqa: E731
    return minimize(function, np.full(3, 0.5), jac=True, bounds=[(0, 1)] * 3, options={"ftol": 1e-15, "gtol": 1e-12})


@pytest.mark.parametrize("centre", [[0.2, 0.7, 0.4], [1.5, 0.3, 0.6], [1.5, -0.4, 0.6], [-2.0, 3.0, 1.7]])
def test_a_quadratic_converges_with_active_bounds(centre):
    expected = bounded_minimum(centre)
    found = minimise(quadratic(centre), np.full(3, 0.5), tolerance=1e-12)
    assert found.converged
    np.testing.assert_allclose(found.unit, expected.x, atol=1e-4)
    assert found.loss == pytest.approx(expected.fun, abs=1e-8)


def test_clamping_in_the_closure_fails_where_smooth_bounds_do_not():
    centre, start = [1.5, -0.4, 0.6], np.array([0.5, 0.5, 0.05])
    loss = quadratic(centre)
    clamped = torch.tensor(start, requires_grad=True)
    optimiser = torch.optim.LBFGS([clamped], lr=0.1, max_iter=200, line_search_fn="strong_wolfe")

    def closure():  # as in the paper's code: the parameter is overwritten before the loss is taken
        with torch.no_grad():
            clamped.clamp_(0, 1)
        optimiser.zero_grad()
        value = loss(clamped)
        value.backward()
        return value

    optimiser.step(closure)
    wrong = clamped.detach().clamp(0, 1).numpy()
    expected = bounded_minimum(centre).x
    assert np.abs(wrong - expected).max() > 0.05
    np.testing.assert_allclose(minimise(loss, start, tolerance=1e-12).unit, expected, atol=1e-4)


def test_a_start_on_a_bound_still_moves():
    found = minimise(quadratic([0.4, 0.5, 0.6]), np.array([0.0, 1.0, 2.0]), tolerance=1e-12)
    np.testing.assert_allclose(found.unit, [0.4, 0.5, 0.6], atol=1e-4)
    np.testing.assert_allclose(0.5 + 0.5 * np.sin(to_free(np.array([0.0, 0.3, 7.0]))), [MARGIN, 0.3, 1 - MARGIN])


def test_the_best_iterate_is_kept_and_the_history_is_honest():
    values = []

    def narrow_valley(u):
        x, y = 4 * u[0] - 2, 4 * u[1] - 1
        value = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        values.append(float(value.detach()))
        return value

    found = minimise(narrow_valley, np.array([0.2, 0.5]), iterations=15, tolerance=1e-12)
    assert found.loss == min(values)
    assert not found.converged
    assert found.reason == "all 15 iterations used"
    assert len(found.history) == 16
    assert found.history[0] == values[0]
    again = minimise(narrow_valley, np.array([0.2, 0.5]), iterations=200, tolerance=1e-12)
    assert again.converged
    np.testing.assert_allclose(again.unit, [0.75, 0.5], atol=1e-3)


def test_a_relative_tolerance_ends_a_descent_that_has_a_floor():
    floor = lambda u: quadratic([0.4, 0.5, 0.6])(u) + 3.0  # noqa: E731
    tight = minimise(floor, np.full(3, 0.1), tolerance=1e-12)
    loose = minimise(floor, np.full(3, 0.1), tolerance=1e-12, relative_tolerance=1e-2)
    assert loose.converged
    assert loose.reason == "|Δloss| < 0.01·loss"
    assert len(loose.history) < len(tight.history)
    assert abs(loose.history[-1] - loose.history[-2]) < 0.01 * loose.history[-1]


def test_a_loss_that_is_not_finite_ends_the_descent():
    found = minimise(lambda u: (u * float("nan")).sum(), np.full(2, 0.5))
    assert not found.converged
    assert "not finite" in found.reason


def test_a_second_descent_begins_with_the_first_ones_curvature():
    scale = torch.tensor([1.0, 30.0, 300.0, 3.0], dtype=torch.float64)

    def bowl(centre):
        runs = []

        def function(unit):
            runs.append(1)
            return (scale * (unit - torch.tensor(centre, dtype=torch.float64)) ** 2).sum() + 1

        return function, runs

    first = minimise(bowl([0.4, 0.6, 0.5, 0.3])[0], np.array([0.2, 0.2, 0.8, 0.8]), tolerance=1e-12)
    counts = []
    for last in (None, first):
        function, runs = bowl([0.42, 0.59, 0.51, 0.33])
        again = minimise(function, first.unit, tolerance=1e-12, last=last)
        np.testing.assert_allclose(again.unit, [0.42, 0.59, 0.51, 0.33], atol=1e-4)
        counts.append(len(runs))
    assert counts[1] < counts[0]
    # and leaves it as it was
    assert minimise(bowl([0.42, 0.59, 0.51, 0.33])[0], first.unit, tolerance=1e-12, last=first).history == again.history
