"""`nnunet`: the network's probability stands for the density, and it is refused where the extra is not installed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from gliofit import InputError, Theta, simulate
from gliofit.inversion import invert
from gliofit.inversion.registry import ready
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget


@pytest.fixture(scope="module")
def grown(small_tissue):
    return simulate(small_tissue, Theta((14.0, -14.0, 10.0), 4.5, 2.9))


@pytest.fixture
def target(grown) -> SegmentationTarget:
    return SegmentationTarget((grown > 0.6).astype(np.float32), (grown > 0.25).astype(np.float32))


class Blurred(SimpleNamespace):
    """A stand-in for a trained network: it smears the outline, and remembers what it was shown."""

    spacing, predicts = 4.0, "recurrence"

    def predict(self, maps):
        self.seen = maps
        return ndimage.gaussian_filter(maps[1], 1.0)


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr("gliofit.base.extras.find_spec", lambda name: object())


def test_the_probability_is_the_density(installed, small_tissue, target):
    network = Blurred()
    fit = invert(target, small_tissue, "nnunet", networks={"nnunet": network})
    np.testing.assert_allclose(
        fit.density, np.where(small_tissue.mask, ndimage.gaussian_filter(network.seen[1], 1.0), 0), atol=1e-3
    )
    assert fit.details == {"probability_of": "recurrence"}
    assert min(fit.explained(target).values()) > 0.5
    assert max(fit.explained(target).values()) > 0.8  # by the thresholds that suit it best
    assert network.seen[2].max() == 0


def test_a_network_on_a_coarser_grid_and_pet(installed, small_tissue, target, grown):
    network = Blurred(spacing=6.0)
    pet = JointTarget((target, PETTarget(grown, target.whole)), (1.0, 1.0))
    fit = invert(pet, small_tissue, "nnunet", networks={"nnunet": network})
    assert network.seen.shape[1] < small_tissue.shape[0]
    assert network.seen[2].max() > 0.5
    assert fit.density.shape == small_tissue.shape
    assert np.corrcoef(fit.density[small_tissue.mask], target.whole[small_tissue.mask])[0, 1] > 0.7


def test_an_observed_density_is_shown_by_its_outlines(installed, small_tissue, grown):
    network = Blurred()
    fit = invert(DensityTarget(grown), small_tissue, "nnunet", networks={"nnunet": network})
    assert set(np.unique(network.seen[:2])) == {0, 1}
    assert fit.density.max() > 0.3


def test_it_is_refused_in_one_sentence_where_it_is_not_installed(monkeypatch, small_tissue, target):
    monkeypatch.setattr("gliofit.base.extras.find_spec", lambda name: None)
    says = r"^method nnunet needs the package nnunetv2, which is not installed: pip install 'gliofit\[nnunet\]'$"
    with pytest.raises(InputError, match=says):
        invert(target, small_tissue, "nnunet")
    with pytest.raises(InputError, match=says):
        ready("nnunet", ["none.safetensors"])
