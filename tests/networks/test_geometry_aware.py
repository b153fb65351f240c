"""Ezhov 2021's network: its size, what it sees, and its card."""

import json

import numpy as np
import pytest
import torch

from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.networks import load_geometry_aware
from gliofit.networks.geometry_aware import GeometryAware
from gliofit.networks.weights import build, save_network

SHAPE = (16, 16, 16)
BOX = Box(np.array([0.01, 1e-4, 50]), np.array([0.08, 0.03, 1000]))


def small(architecture="ezhov", deeper=(6, 8)):
    torch.manual_seed(1)
    return build("geometry_aware", architecture, SHAPE, 4.0, BOX, 4, deeper=deeper).eval()


def inputs():
    rng = np.random.default_rng(2)
    maps = torch.tensor(rng.dirichlet(np.ones(4), SHAPE)[..., :3], dtype=torch.float32).movedim(-1, 0)[None]
    return maps, torch.tensor([[0.04, 0.01, 300.0]])


def test_at_the_paper_s_width_it_has_the_paper_s_parameters():
    with torch.device("meta"):
        network = GeometryAware((64, 64, 64), 2.0, BOX)
    # 3 → 128; 19 convolutions of the encoder; 128 → 125; the Linear; 23 of the decoder; 128 → 1
    assert sum(p.numel() for p in network.parameters()) == 19_037_054


@pytest.mark.parametrize("deeper", [(8,), (6, 8), (4, 4, 4)])
@pytest.mark.parametrize("architecture", ["ezhov", "ezhov_unet", "ezhov_csf"])
@torch.no_grad()
def test_every_number_of_levels_gives_the_crop(architecture, deeper):
    maps, physical = inputs()
    density = small(architecture, deeper)(maps.expand(2, -1, -1, -1, -1), physical.expand(2, -1))
    assert density.shape == (2, *SHAPE)
    assert density.isfinite().all()
    assert torch.equal(density[0], density[1])


@torch.no_grad()
def test_on_a_coarser_grid_its_answer_is_interpolated():
    maps, physical = inputs()
    torch.manual_seed(1)
    network = build("geometry_aware", "ezhov", SHAPE, 4.0, BOX, 4, deeper=(6, 8), coarser=2).eval()
    density = network(maps, physical)[0]
    assert density.shape == SHAPE
    # fine detail of tissue that its means do not have is not seen
    detail = torch.tensor([0.05, -0.05]).repeat(8)[:, None, None]
    torch.testing.assert_close(network(maps + detail, physical)[0], density, atol=1e-5, rtol=0)


@torch.no_grad()
def test_all_inputs_count_but_what_an_ablation_hides():
    maps, physical = inputs()
    for architecture, hidden in (("ezhov", False), ("ezhov_csf", True)):
        network = small(architecture)
        density = network(maps, physical)
        for i in range(3):
            other = physical.clone()
            other[0, i] = BOX.upper[i]
            assert not torch.allclose(network(maps, other), density, atol=1e-7)
        without_wm = maps.clone()
        without_wm[:, 0] = 0
        assert torch.equal(network(without_wm, physical), density) == hidden
        without_csf = maps.clone()
        without_csf[:, 2] = 0
        assert not torch.equal(network(without_csf, physical), density)


def test_a_released_one_is_the_same(tmp_path):
    network = small(deeper=(6, 8))
    save_network(network, "ezhov", tmp_path / "w.safetensors")
    again = load_geometry_aware(tmp_path / "w.safetensors")
    maps, physical = inputs()
    with torch.no_grad():
        expected = network(maps, physical)[0].clamp(0, 1).numpy()
    crop = Tissue(*maps[0].numpy(), np.diag([4.0, 4.0, 4.0, 1.0]))
    np.testing.assert_array_equal(again.predict(crop, *physical[0].tolist()), expected)
    with pytest.raises(InputError, match="takes crops of"):
        again.predict(crop.crop((0, 0, 0), (8, 8, 8)), *physical[0].tolist())


def test_a_card_that_does_not_fit_is_refused(tmp_path):
    save_network(small(), "ezhov", tmp_path / "w.safetensors")
    card = json.loads((tmp_path / "w.json").read_text())
    card["box"] = {"lower": [0.0] * 5, "upper": [1.0] * 5}
    (tmp_path / "w.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"w.json: its box has not the 3 ranges"):
        load_geometry_aware(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("shape", "options", "fault"),
    [
        ((20, 16, 16), {}, "multiples of 8 voxels"),
        (SHAPE, {"deeper": (4, 4, 4, 4)}, "one to three numbers of channels"),
        (SHAPE, {"deeper": (4, 3)}, "the last above 3"),
        (SHAPE, {"architecture": "ezhov_net"}, "unknown geometry_aware 'ezhov_net'"),
    ],
)
def test_impossible_networks_are_refused(shape, options, fault):
    with pytest.raises(InputError, match=fault):
        GeometryAware(shape, 4.0, BOX, **{"width": 4, **options})
