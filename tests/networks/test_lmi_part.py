"""Networks for a part of θ, or for D, ρ and T."""

import numpy as np
import pytest
import torch

from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.networks import load_lmi
from gliofit.networks.lmi import Lmi
from gliofit.networks.lmi_part import PARTS, TIMES, LmiPart, View, theta_of
from gliofit.networks.weights import build, load_network, save_network

BOX = Box(np.array([-40.0, -48.0, -44.0, 2.0, 1.5]), np.array([40.0, 48.0, 44.0, 25.0, 6.0]))
SHAPE = (20, 24, 22)
DAYS = 120.0
THETA = torch.tensor([[4.0, -8.0, 12.0, 9.0, 3.0, DAYS]])


MAPS = torch.cat([torch.ones(1, 1, *SHAPE), torch.zeros(1, 2, *SHAPE)], 1)


def image() -> torch.Tensor:
    out = torch.zeros(1, *SHAPE)
    out[0, 9:14, 8:12, 10:15] = 0.333
    return out


def view() -> View:
    """The window's centre lies at x = 5 mm."""
    return View(image()[0].numpy(), MAPS[0].numpy(), np.array([5.0, 0.0, 0.0]))


@pytest.mark.parametrize("architecture", ["gliofit", "ezhov"])
@pytest.mark.parametrize("targets", PARTS)
def test_answers_are_what_the_outputs_stand_for(targets, architecture):
    torch.manual_seed(0)
    network = build("lmi_part", architecture, SHAPE, 4.0, BOX, 8, targets=targets)
    assert network.unit(image(), MAPS).shape == (1, PARTS[targets])
    assert network.loss(image(), MAPS, THETA).isfinite()
    # an output that is the target's gives the target
    network.unit = lambda image, maps: network.to_unit(THETA)
    expected = {"origin": THETA[0, :3], "growth": THETA[0, 3:5], "times": torch.tensor([81 / DAYS, 9 / DAYS, DAYS])}
    torch.testing.assert_close(network(image(), MAPS)[0], expected[targets], rtol=1e-4, atol=1e-4)


def test_d_rho_and_t_want_an_age():
    with pytest.raises(InputError, match="tumours of known age"):
        LmiPart(SHAPE, 4.0, BOX, 8, targets="times").to_unit(THETA[:, :5])
    with pytest.raises(InputError, match="unknown targets 'gamma'"):
        LmiPart(SHAPE, 4.0, BOX, 8, targets="gamma")


def test_two_networks_make_one_theta():
    whole = Lmi(SHAPE, 4.0, BOX, 8)
    origin, growth, times = (LmiPart(SHAPE, 4.0, BOX, 8, targets=targets) for targets in PARTS)
    theta = theta_of([whole], [view()])
    np.testing.assert_allclose(
        theta_of([growth, origin], [view()] * 2), theta, rtol=1e-5
    )  # untrained, all say the same
    aside = theta_of([whole], [view()._replace(centre=np.zeros(3))])
    np.testing.assert_allclose(theta - aside, [5, 0, 0, 0, 0], atol=1e-6)
    torch.nn.init.constant_(times.body.summed[-1].bias, 50.0)
    diffusivity, rate, days = TIMES.upper
    np.testing.assert_allclose(theta_of([times, origin], [view()] * 2)[3:], np.sqrt([diffusivity * days, rate * days]))


def test_a_part_is_read_back_and_taken_for_no_whole(tmp_path):
    network = LmiPart(SHAPE, 4.0, BOX, 8, targets="times")
    card = save_network(network, "gliofit", tmp_path / "part.safetensors")
    assert card["options"] == {"targets": "times"}
    assert load_network(tmp_path / "part.safetensors", "lmi_part").targets == "times"
    with pytest.raises(InputError, match="role 'lmi_part', not 'lmi'"):
        load_lmi(tmp_path / "part.safetensors")
