"""The direct inverse."""

import numpy as np
import pytest
import torch

from gliofit import Theta, simulate
from gliofit.base.errors import InputError
from gliofit.networks.weights import build
from gliofit.synthetic.prior import Prior

SHAPE = (16, 16, 16)


@pytest.fixture(params=["gliofit", "weidner"])
def network(request):
    torch.manual_seed(0)
    return build("inverse", request.param, SHAPE, 4.0, Prior().box, 8).eval()


@pytest.fixture(scope="module")
def case(small_tissue):
    density = simulate(small_tissue, Theta((8, -12, 4), 8.0, 2.4))
    return small_tissue.crop((4, 4, 4), SHAPE), density[4:20, 4:20, 4:20]


def test_predictions_are_theta_within_the_box(network, case):
    theta = network.predict(*case)
    assert theta.shape == (5,)
    assert theta.dtype == np.float64
    assert Prior().box.contains(theta)
    np.testing.assert_array_equal(theta, network.predict(*case))


def test_the_mirror_image_has_the_mirrored_origin(network, case):
    """Averaging over both images makes it exact, whatever the weights."""
    tissue, density = case
    mirrored = type(tissue)(tissue.wm[::-1], tissue.gm[::-1], tissue.csf[::-1], tissue.affine)
    theta, image = network.predict(tissue, density), network.predict(mirrored, density[::-1])
    np.testing.assert_allclose(image, theta * [-1, 1, 1, 1, 1], atol=1e-4)
    plain = network.predict(tissue, density, flip=False)
    assert np.abs(plain - network.predict(mirrored, density[::-1], flip=False) * [-1, 1, 1, 1, 1]).max() > 1e-3


def test_it_starts_near_the_middle_of_the_box(network, case):
    unit = network.box.to_unit(network.predict(*case))
    assert np.all((unit > 0) & (unit < 1))


def test_outlines_are_inverted_to_product_and_ratio():
    """There and back; a product that is right has no part in the error of the ratio."""
    network = build("inverse_segmentation", "gliofit", SHAPE, 4.0, Prior().box, 8)
    theta = torch.tensor([[1.0, -20.0, 3.0, 4.0, 5.0], [0.0, 0.0, 0.0, 13.5, 3.75]])
    unit = network.to_unit(theta)
    torch.testing.assert_close(network.from_unit(unit), theta)
    torch.testing.assert_close(unit[1], torch.full((5,), 0.5))
    wider = theta * torch.tensor([1, 1, 1, 2, 0.5])
    torch.testing.assert_close(network.to_unit(wider)[:, :4], unit[:, :4])
    torch.testing.assert_close(network.to_unit(wider)[:, 4] - unit[:, 4], torch.full((2,), np.log(4) / 3).float())


def test_bad_input_is_refused(network, case, small_tissue):
    tissue, density = case
    with pytest.raises(InputError, match="takes crops of"):
        network.predict(small_tissue, density)
    with pytest.raises(InputError, match="not a finite array"):
        network.predict(tissue, density[:-1])
    with pytest.raises(InputError, match="not a finite array"):
        network.predict(tissue, np.full_like(density, np.nan))


def test_unknown_architectures_are_refused():
    with pytest.raises(InputError, match="unknown inverse 'resnet'"):
        build("inverse", "resnet", SHAPE, 4.0, Prior().box, 8)
    with pytest.raises(InputError, match="unknown network role 'oracle'"):
        build("oracle", "gliofit", SHAPE, 4.0, Prior().box, 8)
