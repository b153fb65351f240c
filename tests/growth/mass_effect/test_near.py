"""Where a tumour is at work, and what is left out elsewhere."""

import numpy as np
import pytest

from gliofit import Tissue
from gliofit.growth.mass_effect import fields, simulate
from gliofit.growth.mass_effect import near as near_module
from gliofit.growth.mass_effect.conjugate_gradients import solve
from gliofit.growth.mass_effect.medium import GM, WM, C, Medium
from gliofit.growth.mass_effect.multigrid import Multigrid
from gliofit.growth.mass_effect.near import AROUND_MM, AT_LEAST_MM, PRESENT, Near
from gliofit.growth.mass_effect.simulate import Values, run
from gliofit.growth.mass_effect.tumour import Tumour
from gliofit.growth.schedule import schedule
from gliofit.growth.seed import initial_density

THETA = (10.0, -5.0, 0.0, 8.0, 3.0)


def mask(medium, spans):
    """Cells [x, y, z] of spans, padding included."""
    nx, ny, row = medium.grid.padded
    z = np.arange(row)
    return ((spans[:, :1] <= z) & (z < spans[:, 1:])).reshape(nx, ny, row)


def ball(medium, centre, radius):
    """A density of 1 within a ball [n], in cells of the medium's box."""
    places = np.indices(medium.shape).astype(float) - np.reshape(centre, (3, 1, 1, 1))
    return medium.grid.pad((np.linalg.norm(places, axis=0) <= radius).astype(np.float32))


def wide_tissue():
    """White matter with grey stripes in a cube of 160 mm, at 4 mm."""
    x, y, _ = np.indices((40, 40, 40))
    grey = 0.5 + 0.5 * np.sin(x / 3) * np.cos(y / 4)
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -78
    return Tissue(1 - grey, grey, 0 * grey, affine)


def test_it_reaches_as_far_as_it_says_and_never_shrinks(small_tissue):
    medium = Medium.of(small_tissue, 0.0)
    inside, middle = mask(medium, medium.spans), np.array(medium.shape) / 2
    spacing, places = np.array(medium.grid.spacing), np.moveaxis(np.indices(medium.grid.padded), 0, -1)
    place = middle - np.array([3.0, 0.0, 0.0])
    first = Near.of(medium, ball(medium, place, 1.0))
    away = np.linalg.norm((places - 1 - place) * spacing, axis=-1)
    assert mask(medium, first.cells)[inside & (away <= AROUND_MM)].all()
    assert not mask(medium, first.cells)[inside].all()
    assert Near.of(medium, ball(medium, place, 1.0), first) is first
    assert Near.of(medium, 0.5 * PRESENT * ball(medium, place, 1.0)).cells.any()
    # one that has wandered
    further = place + np.array([6.0, 0.0, 0.0])
    second = Near.of(medium, ball(medium, further, 1.0), first)
    away = np.linalg.norm((places - 1 - further) * spacing, axis=-1)
    assert mask(medium, second.cells)[inside & (away <= AT_LEAST_MM)].all()
    assert mask(medium, second.cells)[mask(medium, first.cells)].all()


def test_nothing_crosses_its_border(small_tissue):
    medium = Medium.of(small_tissue, 0.0)
    near = Near.of(medium, ball(medium, np.array(medium.shape) / 2, 2.0))
    cells, faces, edges = (mask(medium, spans) for spans in (near.cells, near.faces, near.edges))
    assert faces.any()
    for axis in range(3):
        assert (cells & np.roll(cells, 1, axis))[faces].all()
        inside = mask(medium, medium.spans)
        for shift in (-1, 1):
            assert edges[np.roll(cells, shift, axis) & inside].all()


def test_a_solve_around_the_tumour_ends_where_one_everywhere_does(small_tissue):
    medium = Medium.of(small_tissue, 0.0)
    state = medium.rest.copy()
    state[C] = 0.9 * ball(medium, np.array(medium.shape) / 2, 3.0)
    near, operator = Near.of(medium, state[C]), medium.operator(state, 1)
    f = operator.field()
    medium.visit(1, fields.press, operator.grid.per_mm, state[C], np.float32(12e3), operator.inverse, f)
    multigrid, size = Multigrid.of(operator), operator.norm(f)
    z, product = multigrid(f, near)
    assert product == pytest.approx(float(z.astype(float) @ f.astype(float)), rel=1e-4)
    exact = solve(operator, multigrid, f, operator.field(), 1e-6 * size)
    once = solve(operator, multigrid, f, operator.field(), size, least=1, near=near)
    assert once.iterations == 1
    assert np.linalg.norm(once.u - exact.u) < 0.2 * np.linalg.norm(exact.u)
    on = solve(operator, multigrid, f, operator.field(), 1e-6 * size, near=near)
    np.testing.assert_allclose(on.u, exact.u, atol=1e-4 * np.abs(exact.u).max())
    two = medium.operator(state, 2)
    again = solve(two, Multigrid.of(two), f, two.field(), size, least=1, near=near)
    np.testing.assert_allclose(again.u, once.u, atol=1e-4 * np.abs(exact.u).max())


def test_carrying_around_the_tumour_conserves_and_leaves_the_rest(small_tissue):
    medium = Medium.of(small_tissue, 0.0)
    plan = schedule(5.0, 2.0, np.array(medium.grid.spacing), 1.0)
    tumour = Tumour(medium, initial_density(small_tissue, THETA[:3]), plan, 4.0, 1.0, 1)
    near, before = Near.of(medium, tumour.state[C]), tumour.state.copy()
    rng = np.random.default_rng(1)
    for _ in range(3):
        moved = medium.grid.faces()
        for axis in range(3):
            component = medium.grid.component(moved, axis)
            component[mask(medium, near.faces)] = rng.uniform(-0.5, 0.5, int(mask(medium, near.faces).sum()))
        tumour.carry_by(moved, 1, False, near)
    for row in (C, WM, GM):
        assert tumour.state[row].sum(dtype=float) == pytest.approx(before[row].sum(dtype=float), rel=1e-6)
    elsewhere = ~mask(medium, near.cells).reshape(-1)
    assert not np.array_equal(tumour.state[WM], before[WM])
    np.testing.assert_array_equal(tumour.state[:, elsewhere], before[:, elsewhere])
    np.testing.assert_array_equal(tumour.room[:, elsewhere], before[:, elsewhere])


@pytest.mark.parametrize("growth", [(3.0, 2.2), (5.0, 1.6)])
def test_what_is_left_out_elsewhere_changes_little(growth, monkeypatch):
    tissue = wide_tissue()
    medium, values = Medium.of(tissue, 0.0), Values((10.0, -5.0, 0.0), *growth, 10e3)
    (tumour,) = run(tissue, medium, values)
    assert not mask(medium, Near.of(medium, tumour.state[C]).cells)[mask(medium, medium.spans)].all()
    monkeypatch.setattr(near_module, "AROUND_MM", 1e3)
    monkeypatch.setattr(near_module, "AT_LEAST_MM", 1e2)
    monkeypatch.setattr(simulate, "EVERYWHERE", 1)
    (whole,) = run(tissue, medium, values)

    def off(a, b):
        return np.linalg.norm(a - b) / np.linalg.norm(b)

    assert 0 < off(tumour.state[C], whole.state[C]) < 0.01
    assert off(tumour.u, whole.u) < 0.02
