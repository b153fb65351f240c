"""Weights and their cards: what belongs together is loaded, all else refused."""

import json

import pytest
import torch

from gliofit.base.errors import InputError
from gliofit.networks import load_inverse, load_surrogate
from gliofit.networks.weights import build, card_path, save_network
from gliofit.synthetic.prior import Prior

SHAPE = (16, 16, 16)


@pytest.fixture
def released(tmp_path):
    torch.manual_seed(3)
    network = build("surrogate", "gliofit", SHAPE, 4.0, Prior().box, 8)
    network.head.weight.data.normal_()
    path = tmp_path / "weights" / "surrogate.safetensors"
    card = save_network(network, "gliofit", path, metrics={"mse": 0.5})
    return network, path, card


def edit(path, **entries):
    card = json.loads(card_path(path).read_text()) | entries
    card_path(path).write_text(json.dumps({k: v for k, v in card.items() if v is not None}))


def test_a_released_network_computes_as_it_did(released, small_tissue):
    network, path, card = released
    loaded = load_surrogate(path)
    assert (loaded.shape, loaded.spacing, loaded.width) == (SHAPE, 4.0, 8)
    assert json.loads(card_path(path).read_text()) == card
    assert card["parameters"] == sum(p.numel() for p in network.parameters())
    assert sorted(p.name for p in path.parent.iterdir()) == ["surrogate.json", "surrogate.safetensors"]
    static = network.prepare(small_tissue.crop((4, 4, 4), SHAPE))
    theta = torch.tensor([[1.0, 2.0, 3.0, 8.0, 2.5]])
    torch.testing.assert_close(loaded(static, theta), network(static, theta))
    assert not any(p.requires_grad for p in loaded.parameters())


def test_an_inverse_is_no_surrogate(tmp_path):
    network = build("inverse", "weidner", SHAPE, 4.0, Prior().box, 8)
    path = tmp_path / "inverse.safetensors"
    save_network(network, "weidner", path)
    assert load_inverse(path).faithful
    with pytest.raises(InputError, match=r"inverse.json: describes a network of role 'inverse', not 'surrogate'"):
        load_surrogate(path)


def test_missing_files_are_named(released, tmp_path):
    _, path, _ = released
    with pytest.raises(InputError, match=r"none.safetensors: no such file"):
        load_surrogate(tmp_path / "none.safetensors")
    card_path(path).unlink()
    with pytest.raises(InputError, match=r"surrogate.json: no such file; weights are loaded with their model card"):
        load_surrogate(path)


def test_a_single_changed_byte_is_refused(released):
    _, path, _ = released
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"surrogate.safetensors: its SHA-256 is not the one on its card"):
        load_surrogate(path)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"format_version": 2}, "has format version 2, but this gliofit reads 1"),
        ({"format": "other"}, "is not a gliofit-network card"),
        ({"box": None}, "lacks the entry 'box'"),
        ({"box": [0, 1]}, r"surrogate.json: box = \[0, 1\] is not valid"),
        ({"width": 10**9}, r"surrogate.json: width = 1000000000 is not valid: input should be less than or equal to"),
        ({"shape": [64, 64]}, r"surrogate.json: shape = .* is not valid"),
        ({"architecture": "resnet"}, "unknown surrogate 'resnet'"),
        ({"width": 16}, "do not fit the architecture"),
    ],
)
def test_cards_that_do_not_hold_are_refused(released, entries, words):
    _, path, _ = released
    edit(path, **entries)
    with pytest.raises(InputError, match=words):
        load_surrogate(path)


def test_a_card_that_is_not_json_is_refused(released):
    _, path, _ = released
    card_path(path).write_text("{")
    with pytest.raises(InputError, match=r"surrogate.json: is not JSON"):
        load_surrogate(path)
