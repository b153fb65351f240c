"""The leading edge of a front beyond the known part of a tumour, against its analytic form."""

import numpy as np
import pytest

from gliofit import Theta, simulate
from gliofit.anatomy.tissue import Tissue
from gliofit.base.overlap import dice
from gliofit.growth.leading_edge import NEGLIGIBLE, continued
from gliofit.inversion.own_density import Field


def bar(wm=1.0, gm=0.0, n=40, h=1.0) -> Tissue:
    maps = [np.full((n, 3, 3), v, np.float32) for v in (wm, gm, 0.0)]
    return Tissue(*maps, np.diag([h, h, h, 1.0]))


@pytest.mark.parametrize(("wm", "gm", "length"), [(1.0, 0.0, 4.0), (0.0, 1.0, 4.0 / np.sqrt(10))])
def test_falls_off_exponentially_along_its_way(wm, gm, length):
    tissue = bar(wm, gm)
    known = np.zeros(tissue.shape, bool)
    known[:5] = True
    c = continued(np.where(known, 0.3, 0.0), known, tissue, 0.3, 4.0)
    # of the discrete equation c(x − h) − (2 + h²/length²)·c(x) + c(x + h) = 0
    ratio = np.exp(-np.arccosh(1 + 1 / (2 * length**2)))
    expected = 0.3 * ratio ** np.arange(16)
    np.testing.assert_allclose(c[4:20, 1, 1], expected, rtol=1e-2 if length > 3 else 1e-5)
    assert ratio == pytest.approx(np.exp(-1 / length), rel=0.02)
    assert np.ptp(c[10]) < 1e-6
    assert (c[:5] == np.float32(0.3)).all()


def test_goes_around_what_is_no_tissue():
    shape = (24, 24, 3)
    wm = np.ones(shape, np.float32)
    wm[10:12, :20] = 0  # a wall, open at one end
    tissue = Tissue(wm, 0 * wm, 1 - wm, np.eye(4))
    known = np.zeros(shape, bool)
    known[7:9, 4:8] = True
    c = continued(np.full(shape, 0.4), known, tissue, 0.4, 3.0)
    assert (c[10:12, :20] == 0).all()
    assert 0 < c[14, 5, 1] < 0.01 * c[1, 5, 1]
    # most cells come through the opening
    assert c[14, 21, 1] > c[14, 12, 1] > c[14, 5, 1]


def test_nothing_known_and_nothing_left():
    tissue = bar()
    assert not continued(np.ones(tissue.shape), np.zeros(tissue.shape, bool), tissue, 0.5, 3.0).any()
    known = np.zeros(tissue.shape, bool)
    known[0] = True
    c = continued(np.ones(tissue.shape), known, tissue, 0.5, 0.3)
    assert c[c > 0].min() > NEGLIGIBLE
    assert (c[30:] == 0).all()


def test_is_close_to_what_the_solver_grows(small_tissue):
    theta = Theta((6.0, 21.0, 4.0), 7.0, 2.4)
    truth = simulate(small_tissue, theta)
    # a field that ends at a box and is wrong where it cannot be seen
    index = np.argwhere(truth >= 0.25)
    low, high = index.min(0) - 1, index.max(0) + 2
    box = tuple(map(slice, low, high))
    values = np.where(truth >= 0.25, truth, 0.2)[box]
    affine = small_tissue.affine.copy()
    affine[:3, 3] = small_tissue.to_world(low)
    loose = Field(values, affine)
    field = Field(values, affine, 0.25, theta.mu_D / theta.mu_rho)
    c = field.on(small_tissue)
    hidden = (truth < 0.25) & small_tissue.mask
    error = [np.abs(f - truth)[hidden].mean() for f in (c, loose.on(small_tissue))]
    assert error[0] < 0.5 * error[1]
    assert dice(c > 0.05, truth > 0.05) > 0.75
    np.testing.assert_allclose(c[truth >= 0.3], truth[truth >= 0.3], atol=1e-3)
    # what is visible is the same, however sharp the field's edge is
    sharp = Field(np.where(values > 0.25, 0.9, 0.0), affine)
    seen = sharp.on(small_tissue) >= 0.25
    assert ((Field(sharp.values, affine, 0.25, 5.0).on(small_tissue) >= 0.25) == seen).all()
    assert seen.any()
