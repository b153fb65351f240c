"""Learn-Morph-Infer's network and what it is trained on."""

import numpy as np
import pytest
import torch

from gliofit import Theta, simulate
from gliofit.anatomy.brain_window import brain_centre, window_affine, window_shape
from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.networks import load_lmi
from gliofit.networks.lmi import FRONTS, Lmi, outlines_image
from gliofit.networks.weights import build
from gliofit.observation.thresholds import FITTED
from gliofit.synthetic.shards import ShardDataset, simulate_shard
from gliofit.training.loop import train, validate
from gliofit.training.release import release
from gliofit.training.settings import WholeBrainSettings
from gliofit.training.whole_brain import WholeBrainDataset

REACH = np.array([40.0, 48.0, 44.0])
BOX = Box(np.array([*-REACH, 2.0, 1.5]), np.array([*REACH, 25.0, 6.0]))
SHAPE = (20, 24, 22)


@pytest.fixture(scope="module")
def shards(small_tissue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for split, count in (("train", 24), ("validation", 8)):
        simulate_shard(small_tissue, folder / f"{split}.h5", count, (32,) * 3, seed=1, split=split, progress=False)
    return folder


def balls(centre: np.ndarray, shape=SHAPE, spacing=4.0) -> tuple[np.ndarray, np.ndarray]:
    """Core and whole tumour as balls about a point (mm from the window's centre)."""
    index = np.moveaxis(np.indices(shape), 0, -1) - (np.array(shape) - 1) / 2
    r = np.linalg.norm(index * spacing - centre, axis=-1)
    return r < 10, r < 18


def test_the_input_is_two_thirds_core_and_a_third_whole():
    core, whole = np.array([False, False, True]), np.array([False, True, True])
    np.testing.assert_allclose(outlines_image(core, whole), [0, 0.333, 0.999])
    assert torch.is_tensor(outlines_image(torch.tensor(core), torch.tensor(whole)))


def test_the_papers_network_has_the_papers_size():
    assert sum(p.numel() for p in Lmi((129,) * 3, 1.5, BOX, 64, "ezhov").parameters()) == 1_792_837


def maps(shape=SHAPE) -> np.ndarray:
    """White matter in one half of the window, grey in the other."""
    out = np.zeros((3, *shape), np.float32)
    out[0, :, : shape[1] // 2], out[1, :, shape[1] // 2 :] = 1, 1
    return out


def batch(*centres) -> tuple[torch.Tensor, torch.Tensor]:
    images = np.stack([outlines_image(*balls(np.array(c))) for c in centres]).astype(np.float32)
    return torch.as_tensor(images), torch.as_tensor(np.stack([maps()] * len(centres)))


@pytest.mark.parametrize("architecture", ["gliofit", "ezhov"])
def test_outputs_are_scaled_to_the_box_and_back(architecture):
    torch.manual_seed(0)
    network = build("lmi", architecture, SHAPE, 4.0, BOX, 8)
    seen = batch([8, -12, 4], [-20, 8, 0])
    unit, theta = network.unit(*seen), network(*seen)
    torch.testing.assert_close(network.to_unit(theta), unit, rtol=1e-4, atol=1e-4)
    if architecture == "ezhov":
        # a Linear's −1 is the lower end of each range, +1 the upper
        head = network.body.head
        torch.nn.init.zeros_(head.weight)
        for value, bound in ((-1, BOX.lower), (0, (BOX.lower + BOX.upper) / 2), (1, BOX.upper)):
            torch.nn.init.constant_(head.bias, value)
            np.testing.assert_allclose(network(*seen)[0].detach(), bound, rtol=1e-5, atol=1e-4)


def test_untrained_it_answers_with_the_middle_of_the_tumour():
    network = Lmi(SHAPE, 4.0, BOX, 8)
    for centre in ([8.0, -12.0, 4.0], [-10.0, 6.0, 14.0]):
        theta = network.predict(*balls(np.array(centre)), maps())
        np.testing.assert_allclose(theta[:3], centre, atol=2.0)
        np.testing.assert_allclose(theta[3:], np.sqrt(BOX.lower[3:] * BOX.upper[3:]), rtol=1e-4)


def test_a_tumour_moved_with_its_tissue_has_its_origin_moved():
    """By whole voxels: what is beyond the crop does not matter, and the crop goes along."""
    torch.manual_seed(0)
    network = Lmi((48, 48, 48), 4.0, BOX, 8)
    for layer in (network.body.vote, network.body.summed[-1]):
        torch.nn.init.normal_(layer.weight, std=0.1)
    core, whole = balls(np.full(3, 2.0), (48,) * 3)
    tissue = np.zeros((3, 48, 48, 48), np.float32)
    tissue[0, 8:40, 8:40, 8:20], tissue[1, 8:40, 8:40, 20:40] = 1, 1
    first = network.predict(core, whole, tissue)
    moved = network.predict(*(np.roll(a, (2, -3, 1), (-3, -2, -1)) for a in (core, whole, tissue)))
    np.testing.assert_allclose(moved - first, [8, -12, 4, 0, 0], atol=1e-3)


def test_the_loss_is_how_far_fronts_are_displaced():
    network = Lmi(SHAPE, 4.0, BOX, 8)
    image, _ = batch([0, 0, 0])
    radius = (3 / (4 * np.pi) * float((image > 0.2).sum()) * 64) ** (1 / 3)
    shifted = torch.tensor([[6.0, 0, 0, 0, 0]]) / network.range
    assert float(network.displacement(shifted, image)) == pytest.approx(6 / radius / np.sqrt(3), rel=0.02)
    further = torch.tensor([[0, 0, 0, 0.2, 0]]) / network.range
    expected = 0.2 * np.sqrt(np.mean(np.array(FRONTS)[:, 0] ** 2))
    assert float(network.displacement(further, image)) == pytest.approx(expected, rel=0.02)


def test_outlines_that_nobody_sees_do_not_end_training():
    """Thresholds may be drawn above all of a tumour's density: loss and slopes stay finite."""
    network = Lmi(SHAPE, 4.0, BOX, width=4)
    image, maps = torch.zeros(1, *SHAPE), torch.rand(1, 3, *SHAPE)
    loss = network.loss(image, maps, torch.tensor([[5.0, 5.0, 5.0, 8.0, 3.0]]))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_predictions_stay_in_the_box():
    network = Lmi(SHAPE, 4.0, BOX, 8)
    torch.nn.init.constant_(network.body.summed[-1].bias, 50.0)
    assert BOX.contains(network.predict(*balls(np.zeros(3)), maps()))


def test_bad_input_is_refused():
    network = Lmi(SHAPE, 4.0, BOX, 8)
    core, whole = balls(np.zeros(3))
    with pytest.raises(InputError, match=r"takes outlines and tissue on \(20, 24, 22\) voxels"):
        network.predict(core[1:], whole[1:], maps())
    with pytest.raises(InputError, match="no tumour lies in the window"):
        network.predict(np.zeros(SHAPE, bool), np.zeros(SHAPE, bool), maps())
    with pytest.raises(InputError, match="window of at least 16 voxels"):
        Lmi((8, 24, 24), 4.0, BOX, 8)
    with pytest.raises(InputError, match="unknown lmi 'weidner'"):
        build("lmi", "weidner", SHAPE, 4.0, BOX, 8)
    with pytest.raises(InputError, match="spacing = -1"):
        WholeBrainSettings(spacing=-1)


def test_a_window_holds_the_brain_and_is_centred_on_it(small_tissue):
    for spacing in (4.0, 3.0):
        shape = window_shape(small_tissue, spacing)
        affine = window_affine(small_tissue, shape, spacing)
        np.testing.assert_allclose(np.diag(affine)[:3], spacing)
        middle = affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]
        assert np.abs(middle - brain_centre(small_tissue)).max() <= 2  # half a voxel of the tissue's grid
        inside = small_tissue.resample_to(shape, affine)
        volumes = (t.wm.sum() * np.prod(t.spacing) for t in (inside, small_tissue))
        assert np.divide(*volumes) == pytest.approx(1, rel=0.01)


def test_crops_are_put_back_where_they_came_from(small_tissue, shards):
    """A sample's outlines are those of its θ, simulated anew on the whole brain and seen in the window."""
    data = WholeBrainDataset([shards / "train.h5"], 4.0)
    assert len(data) == data.samples == 24
    window = window_affine(small_tissue, data.shape, 4.0)
    middle = window[:3, :3] @ ((np.array(data.shape) - 1) / 2) + window[:3, 3]
    for index in range(4):
        case = data[index]
        theta = case.theta + np.array([*middle, 0, 0])
        density = simulate(small_tissue, Theta.from_array(theta))
        seen = Tissue(density, 0 * density, 0 * density, small_tissue.affine).resample_to(data.shape, window).wm
        for value, bounds in ((0.9, FITTED.core), (0.3, FITTED.whole)):
            outline = case.density > value
            assert outline[seen > bounds[1] + 1e-3].all()
            assert not outline[seen < bounds[0] - 1e-3].any()


def test_each_pair_of_thresholds_is_drawn_anew_and_for_good(shards):
    data = WholeBrainDataset([shards / "train.h5"], 4.0, flip=True, pairs=3)
    assert (len(data), data.samples) == (24 * 2 * 3, 24)
    first, second = data[5], data[5 + 48]
    np.testing.assert_array_equal(first.theta, second.theta)
    assert not np.array_equal(first.density, second.density)
    np.testing.assert_array_equal(first.density, data[5].density)
    # … and a mirror image is seen through the same one
    np.testing.assert_array_equal(data[5 + 24].density[::-1], first.density)
    np.testing.assert_allclose(data[5 + 24].theta, first.theta * [-1, 1, 1, 1, 1])
    assert all(data[i].density.any() for i in range(len(data)))
    with pytest.raises(IndexError):
        data[len(data)]


def test_a_coarser_window_shows_the_same_tumour(shards):
    fine, coarse = (WholeBrainDataset([shards / "train.h5"], spacing) for spacing in (4.0, 8.0))
    assert coarse.spacing == 8.0
    volumes = [d[0].density.sum() * d.spacing**3 for d in (fine, coarse)]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.1)
    # the windows' centres differ by what the grids do
    np.testing.assert_allclose(fine[0].theta, coarse[0].theta, atol=4)
    assert WholeBrainDataset([shards / "train.h5"], 1.0).spacing == ShardDataset([shards / "train.h5"]).spacing


def test_training_learns_and_releases(shards, tmp_path):
    settings = WholeBrainSettings(width=8, steps=20, batch=8, learning_rate=4e-3)
    files = {"log_csv": tmp_path / "l.csv", "figure_png": tmp_path / "l.png", "checkpoint": tmp_path / "c.pt"}
    paths = [shards / "train.h5"], [shards / "train.h5"], tmp_path / "lmi.safetensors"
    card = train("lmi", settings, *paths, **files, progress=False)
    network = load_lmi(tmp_path / "lmi.safetensors")
    released = tmp_path / "released" / "lmi.safetensors"
    tested = release(paths[2], files["log_csv"], {"head": [shards / "validation.h5"]}, released)
    held_out = WholeBrainDataset([shards / "validation.h5"], 4.0, shape=network.shape)
    expected = validate(load_lmi(released), held_out, torch.device("cpu"))
    # sums depend on the number of threads in their last digits
    assert {name: tested["test"]["head"][name] for name in expected} == pytest.approx(expected, rel=1e-4)
    assert tested["test"]["head"]["samples"] == 8
    assert released.with_suffix(".md").read_text().startswith("# Learn-Morph-Infer")
    data = WholeBrainDataset([shards / "train.h5"], 4.0)
    assert card["data"] | {"train_samples": 24, "validation_samples": 24} == card["data"]
    assert (network.shape, card["settings"]["spacing"]) == (data.shape, 4.0)

    @torch.no_grad()
    def error(model) -> float:
        cases = [data[i] for i in range(24)]
        seen = (torch.as_tensor(np.stack([getattr(c, n) for c in cases])) for n in ("density", "tissue", "theta"))
        return float(model.loss(*seen))

    assert error(network) < 0.9 * error(Lmi(network.shape, 4.0, network.box, 8))
