"""Where a tumour is at work, and what is left out elsewhere."""

import numpy as np
import pytest

from gliofit.growth.mass_effect import near as near_module
from gliofit.growth.mass_effect import simulate
from gliofit.growth.mass_effect.medium import C, Medium
from gliofit.growth.mass_effect.near import AROUND_MM, AT_LEAST_MM, PRESENT, Near
from gliofit.growth.mass_effect.simulate import Values, run

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


def test_it_reaches_as_far_as_it_says_and_never_shrinks(small_tissue):
    medium = Medium.of(small_tissue, 0.0)
    inside, middle = mask(medium, medium.spans), np.array(medium.shape) / 2
    spacing, places = np.array(medium.grid.spacing), np.moveaxis(np.indices(medium.grid.padded), 0, -1)
    place = middle - np.array([3.0, 0.0, 0.0])
    first = Near.of(medium, ball(medium, place, 1.0))
    away = np.linalg.norm((places - 1 - place) * spacing, axis=-1)
    assert mask(medium, first.cells)[inside & (away <= AROUND_MM)].all()
    assert not mask(medium, first.cells).all()
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


@pytest.mark.parametrize("theta", [THETA, (*THETA[:3], 15.0, 1.8)])
def test_what_is_left_out_elsewhere_changes_little(small_tissue, theta, monkeypatch):
    medium, values = Medium.of(small_tissue, 0.0), Values(theta[:3], *theta[3:], 10e3)
    (tumour,) = run(small_tissue, medium, values)
    monkeypatch.setattr(near_module, "AROUND_MM", 1e3)
    monkeypatch.setattr(near_module, "AT_LEAST_MM", 1e2)
    monkeypatch.setattr(simulate, "EVERYWHERE", 1)
    (whole,) = run(small_tissue, medium, values)

    def off(a, b):
        return np.linalg.norm(a - b) / np.linalg.norm(b)

    assert off(tumour.state[C], whole.state[C]) < 0.01
    assert off(tumour.u, whole.u) < 0.02
