"""nnU-Net's network from a card: numbers alone, and bounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gliofit.base.errors import InputError
from gliofit.networks.nnunet import CHANNELS, NnUnet
from gliofit.networks.weights import card_path, load_network, save_network

PLAN = {
    "features_per_stage": [2, 4],
    "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
    "strides": [[1, 1, 1], [2, 2, 2]],
    "n_conv_per_stage": [1, 1],
    "n_conv_per_stage_decoder": [1],
}


def made(**changes) -> NnUnet:
    pytest.importorskip("nnunetv2", reason="needs the extra nnunet")
    torch.manual_seed(0)
    return NnUnet([8, 12, 8], 4.0, None, 2, plan=PLAN | changes)


def test_a_network_of_this_role_is_refused_where_the_extra_is_not_installed(monkeypatch):
    monkeypatch.setattr("gliofit.base.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"nnunetv2, which is not installed: pip install 'gliofit\[nnunet\]'"):
        NnUnet([8, 8, 8], 4.0, None, 2, plan=PLAN)


@pytest.mark.parametrize(
    "change",
    [
        {"features_per_stage": [10**9, 4]},
        {"kernel_sizes": [[99, 3, 3], [3, 3, 3]]},
        {"n_conv_per_stage": [1]},
        {"conv_op": "os.system"},
    ],
)
def test_a_plan_is_numbers_and_bounded(change):
    with pytest.raises(InputError, match="the plan of an nnU-Net"):
        made(**change)


def test_it_is_kept_and_loaded_as_all_networks_are(tmp_path):
    network, path = made(), tmp_path / "nnunet.safetensors"
    card = save_network(network, "nnunet", path)
    assert "box" not in card
    assert card["parameters"] * 4 < path.stat().st_size < card["parameters"] * 4 + 10_000  # each weight once
    again = load_network(path, "nnunet")
    maps = np.random.default_rng(0).random((len(CHANNELS), 10, 13, 9)).astype(np.float32)
    found = again.predict(maps)
    np.testing.assert_array_equal(found, network.eval().predict(maps))
    assert found.shape == maps.shape[1:]
    assert 0 <= found.min() < found.max() <= 1
    with pytest.raises(InputError, match="describes a network of role 'nnunet', not 'surrogate'"):
        load_network(path, "surrogate")
    card_path(path).write_text(card_path(path).read_text().replace('"n_conv_per_stage_decoder"', '"other"'))
    with pytest.raises(InputError, match="the plan of an nnU-Net"):
        load_network(path, "nnunet")
