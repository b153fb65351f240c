"""Tumours that come back: of which kind, where, and with a cavity where the core was."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gliofit import Theta, simulate
from gliofit.patients.labels import CAVITY, ENHANCING, parts
from gliofit.synthetic.brats_like_patient import segment
from gliofit.synthetic.recurrence import AWAY_MM, ENHANCING_ML, KINDS, grow_back, kind_of

THRESHOLDS = (0.25, 0.5, 0.8)
GROWTH = (0.1, 0.15, 15.0)


@pytest.fixture(scope="module")
def scan(small_tissue):
    density = simulate(small_tissue, Theta((14.0, -10.0, 8.0), 4.0, 3.2))
    return density, segment(density, THRESHOLDS)


@pytest.fixture(scope="module")
def returned(small_tissue, scan):
    return {kind: grow_back(*scan, small_tissue, GROWTH, THRESHOLDS, kind, np.random.default_rng(2)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_it_grows_until_it_shows(kind, returned, scan):
    found = returned[kind]
    core, _ = parts(scan[1])
    assert found.kind == kind
    assert found.enhancing_ml >= ENHANCING_ML[0]
    assert (found.labels == ENHANCING).sum() * 0.064 == pytest.approx(found.enhancing_ml)
    assert (found.labels[~core] != CAVITY).all()
    assert found.days % 10 == 0
    assert found.about() == {"kind": kind, "days": found.days, "enhancing_ml": round(found.enhancing_ml, 3)}


def test_a_second_focus_is_away_from_the_core(small_tissue, scan, returned):
    core, _ = parts(scan[1])
    away = ndimage.distance_transform_edt(~core, sampling=4.0)
    own, other = (np.isin(returned[k].labels, (1, 2, 3)) for k in ("model", "second_focus"))
    assert away[other].max() > max(away[own].max(), AWAY_MM[0])


def test_kinds_differ_and_are_repeatable(small_tissue, scan, returned):
    again = grow_back(*scan, small_tissue, GROWTH, THRESHOLDS, "diffusion", np.random.default_rng(2))
    np.testing.assert_array_equal(again.labels, returned["diffusion"].labels)
    assert not np.array_equal(returned["diffusion"].labels, returned["model"].labels)


def test_two_of_three_do_not_grow_as_the_fits_model_does():
    assert [kind_of(i) for i in range(6)].count("model") == 2
