"""The elastic solve against solutions that are known."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit.growth.mass_effect.conjugate_gradients import solve
from gliofit.growth.mass_effect.elasticity import Operator, plan
from gliofit.growth.mass_effect.grid import Grid
from gliofit.growth.mass_effect.medium import lame
from gliofit.growth.mass_effect.multigrid import DOWN, UP, Multigrid
from gliofit.growth.mass_effect.passes import PULL, RELAX

LENGTH = 10.0


def solved(operator, f, tolerance):
    size = float(np.linalg.norm(f))
    return solve(operator, Multigrid.of(operator), f, operator.field(), tolerance * size)


def displacement(x, y, z):
    """0 on all walls of the cube."""
    k = np.pi / LENGTH
    bump = np.sin(k * x) * np.sin(k * y) * np.sin(k * z)
    return np.stack([bump * (1 + 0.3 * np.cos(2 * k * y)), bump * np.cos(k * x + 0.4), -0.7 * bump * np.sin(2 * k * z)])


def lam(x, y, z):
    return 3 + 2 * np.sin(0.4 * x + 0.3 * y)


def mu(x, y, z):
    return 1 + 0.5 * np.cos(0.5 * z - 0.2 * x)


def gradient(of, points, step=2e-3):
    """∂ of/∂(x, y, z) [3, …] by fourth-order differences in double precision."""
    out = []
    for axis in range(3):
        shift = step * np.eye(3)[axis].reshape(3, *[1] * (points.ndim - 1))
        near = of(*(points + shift)) - of(*(points - shift))
        far = of(*(points + 2 * shift)) - of(*(points - 2 * shift))
        out.append((8 * near - far) / (12 * step))
    return np.stack(out)


def stress(*points):
    points = np.stack(points)
    slope = gradient(displacement, points)
    trace = np.einsum("ii...->...", slope)
    unit = np.eye(3).reshape(3, 3, *[1] * (points.ndim - 1))
    return lam(*points) * trace * unit + mu(*points) * (slope + np.swapaxes(slope, 0, 1))


def error_in_a_cube(n):
    """Largest error of u, relative to the largest u, on n³ cells that end at walls."""
    h = LENGTH / n
    grid = Grid.of((n + 2,) * 3, np.full(3, h))
    cells = np.stack(np.meshgrid(*[(np.arange(n + 2) - 0.5) * h] * 3, indexing="ij"))
    inside = np.all((cells > 0) & (cells < LENGTH), axis=0)
    coefficients = (grid.pad(np.where(inside, of(*cells), 0)) for of in (lam, mu, lambda *_: 0.5 + 0 * cells[0]))
    operator = Operator.of(grid, *coefficients)
    f, exact = operator.field(), operator.field()
    may = operator.inverse > 0
    for axis in range(3):
        faces = cells - h / 2 * np.eye(3)[axis].reshape(3, 1, 1, 1)
        own = gradient(stress, faces)
        u = displacement(*faces)[axis]
        grid.component(f, axis)[grid.inner] = -sum(own[j, j, axis] for j in range(3)) + 0.5 * u
        grid.component(exact, axis)[grid.inner] = u
    f *= may
    exact *= may
    return float(np.abs(solved(operator, f, 1e-5).u - exact).max() / np.abs(exact).max())


def test_a_manufactured_solution_is_met_to_second_order():
    coarse, fine = error_in_a_cube(10), error_in_a_cube(20)
    assert fine < 0.015
    assert np.log2(coarse / fine) > 1.8


@pytest.mark.parametrize(("stiff", "most"), [(False, 0.02), (True, 0.1)])
def test_a_spherical_inclusion_swells_as_theory_says(stiff, most):
    # pressure γ in a sphere of radius a, in a ball of radius b that is held at its surface; where stiffness jumps, it
    # does so along voxels' faces, which costs accuracy: 7.5 % over the ball
    h, a, b, gamma = 2.0, 20.0, 60.0, 5000.0
    n = 2 * int(b / h) + 2
    axis = (np.arange(n) - (n - 1) / 2) * h
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    r = np.sqrt(x**2 + y**2 + z**2)
    c, inside = np.clip((a - r) / h + 0.5, 0, 1), r < b
    outer, inner = lame("wm"), lame("tumour" if stiff else "wm")
    grid = Grid.of((n,) * 3, np.full(3, h))
    own = [grid.pad(inside * (o + (i - o) * c)) for o, i in zip(outer, inner, strict=True)]
    operator = Operator.of(grid, *own, 0 * own[0])
    f, pressure = operator.field(), grid.pad(gamma * c).reshape(grid.padded)
    for along in range(3):
        grid.component(f, along)[:] = (np.roll(pressure, 1, along) - pressure) / h
    f *= operator.inverse > 0
    found = solved(operator, f, 1e-4)
    assert found.iterations < 25

    # u = s·r inside and A/r² − A·r/b³ outside; u and the radial stress meet at a
    inverse = 1 / a**3 - 1 / b**3
    bulk = [3 * la + 2 * m for la, m in (inner, outer)]
    amount = gamma / (bulk[0] * inverse + bulk[1] / b**3 + 4 * outer[1] / a**3)
    square_error = square = 0.0
    for along in range(3):
        points = [axis] * 3
        points[along] = axis - h / 2
        at = np.meshgrid(*points, indexing="ij", sparse=True)
        r = np.sqrt(sum(p**2 for p in at))
        exact = np.where(r < a, amount * inverse, np.where(r < b, amount / np.maximum(r, 1) ** 3 - amount / b**3, 0))
        exact = exact * at[along]
        square_error += float(((grid.component(found.u, along)[grid.inner] - exact) ** 2).sum())
        square += float((exact**2).sum())
    assert np.sqrt(square_error / square) < most


def patches(shape, threads=1):
    """An operator whose coefficients jump from cell to cell, in a ball, and fields of random numbers."""
    rng = np.random.default_rng(7)
    grid = Grid.of(shape, np.array([2.0, 1.5, 2.5]))
    axes = np.meshgrid(*(np.linspace(-1.3, 1.3, n) for n in shape), indexing="ij")
    ball = sum(axis**2 for axis in axes) < 1
    lam, mu, kappa = (grid.pad(rng.uniform(0.2, 3, shape) * ball) for _ in range(3))
    operator = Operator.of(grid, lam, mu, kappa, threads)
    may = operator.inverse > 0
    return operator, [(rng.standard_normal(len(may)) * may).astype(np.float32) for _ in range(4)]


@pytest.fixture(scope="module")
def patchy():
    return patches((15, 22, 19))


def test_several_threads_make_the_same_cycle():
    (alone, (f, *_)), (shared, _) = patches((30, 31, 29)), patches((30, 31, 29), threads=2)
    assert shared.threads == 2
    (one, product), (other, same) = (Multigrid.of(operator)(f) for operator in (alone, shared))
    np.testing.assert_allclose(other, one, atol=1e-6 * np.abs(one).max())
    assert same == pytest.approx(product, rel=1e-6)


@pytest.mark.parametrize("plan_", [DOWN, UP])
def test_passes_in_one_go_are_those_one_after_the_other(patchy, plan_):
    operator, (f, *given) = patchy
    together, apart = ([g.copy() for g in given] for _ in range(2))
    operator.passes(*plan_, f, *together)
    u, v, r = apart
    for s in range(len(plan_[0])):
        operator.passes(plan_[0][s : s + 1], plan_[1][s : s + 1], f, u, v, r)
        u, v = (v, u) if plan_[0][s] == RELAX else (u, v)
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_operator_and_its_preconditioner_are_symmetric_and_positive(patchy):
    operator, (a, b, *_) = patchy
    pull, multigrid = plan((PULL, 0, 0, 0)), Multigrid.of(operator)

    def times(u):
        out = operator.field()
        assert operator.passes(*pull, a, u, u, out) < 0
        return -out

    def cycle(u):
        z, product = multigrid(u)
        assert product == pytest.approx(float(z @ u), rel=1e-4)
        assert product > 0
        return z.copy()

    for of in (times, cycle):
        size = float(np.linalg.norm(a) * np.linalg.norm(of(b)))
        assert float(a @ of(b)) == pytest.approx(float(b @ of(a)), abs=1e-5 * size)
