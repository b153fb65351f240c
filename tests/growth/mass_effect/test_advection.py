"""Transport against solutions that are known, and what it must keep."""

from __future__ import annotations

import numpy as np

from gliofit.growth.mass_effect.advection import carry, goes
from gliofit.growth.mass_effect.grid import Grid


def moved(grid, q, move, backwards):
    """An amount and a fraction, carried by a displacement anywhere in the grid."""
    spans = grid.spans(np.ones(grid.size, bool))
    times = goes(max(float(np.abs(grid.component(move, a)).max()) / h for a, h in enumerate(grid.spacing)))
    return carry(grid, spans, q, q.copy(), np.array([False, True]), move, times, backwards)[0]


STRETCH = 0.4


def stretched(n, axis):
    """Mean error of a bump that a flow v = s·x widens by exp(0.4), on n cells of a line, and its change in mass."""
    shape = [8, 8, 8]
    shape[axis] = n
    h = 20.0 / n
    grid = Grid.of(tuple(shape), np.full(3, h))
    x = (np.arange(n) - (n - 1) / 2) * h
    faces = x - h / 2
    spread = [1, 1, 1]
    spread[axis] = n
    bump = lambda x: np.exp(-((x / 1.5) ** 2))  # noqa: E731
    across = np.zeros(shape, bool)
    across[tuple(slice(2, -2) if a != axis else slice(None) for a in range(3))] = True
    steps = n // 8
    move = grid.faces()
    flow = np.where(np.abs(faces) < 9.5, STRETCH / steps * faces, 0)
    grid.component(move, axis)[grid.inner] = flow.reshape(spread) * across
    start = bump(x)
    q = np.stack([grid.pad(start.reshape(spread) * across)] * 2)
    for step in range(steps):
        q = moved(grid, q, move, step % 2 == 1)
    line = tuple(4 if a != axis else slice(None) for a in range(3))
    amount, fraction = (grid.cells(field)[line] for field in q)
    exact = bump(x * np.exp(-STRETCH))
    errors = [np.abs(amount - exact * np.exp(-STRETCH)).mean(), np.abs(fraction - exact).mean()]
    return np.array(errors), amount.sum(dtype=float) / start.sum() - 1


def test_a_stretched_bump_is_met_to_second_order_along_every_axis():
    for axis in range(3):
        (coarse, _), (fine, mass) = stretched(64, axis), stretched(128, axis)
        assert np.all(fine < 2e-3)
        assert np.all(np.log2(coarse / fine) > 1.8)
        assert abs(mass) < 1e-6


def test_edges_stay_within_bounds_and_nothing_is_lost():
    rng = np.random.default_rng(3)
    grid = Grid.of((16, 14, 18), np.array([2.0, 3.0, 2.5]))
    inside = np.zeros((16, 14, 18), bool)
    inside[2:-2, 2:-2, 2:-2] = True
    q = np.stack([grid.pad((rng.random(inside.shape) > 0.5) * inside) for _ in range(2)])
    before = q.sum(1, dtype=float)
    for step in range(6):
        move, open_ = grid.faces(), grid.pad(inside).reshape(grid.padded) > 0
        for axis in range(3):
            along = grid.component(move, axis)
            along[grid.inner] = rng.uniform(-2, 2, inside.shape)
            along[~(open_ & np.roll(open_, 1, axis))] = 0
        q = moved(grid, q, move, step % 2 == 0)
        assert q.min() >= 0
        assert q[1].max() <= 1 + 1e-6
    assert abs(q[0].sum(dtype=float) / before[0] - 1) < 1e-6
