"""The released networks: there, sound, and as good as their cards say."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from gliofit import Theta, growth_model, simulate
from gliofit.base.errors import InputError
from gliofit.base.overlap import dice
from gliofit.networks import load_geometry_aware, load_inverse, load_surrogate
from gliofit.networks.weights import load_network
from gliofit.training.release import ERRORS, page

WEIGHTS = Path(__file__).parents[2] / "resources" / "weights"
DOCS = WEIGHTS.parents[1] / "docs" / "networks.md"
NAMES = sorted(path.stem for path in WEIGHTS.glob("*.json"))

TUMOURS = [
    Theta((28, -18, 22), 12.8, 3.8),
    Theta((-34, 6, 18), 6.0, 4.6),
    Theta((24, 30, 8), 18.0, 2.6),
    Theta((-22, -52, 14), 4.0, 5.0),
]
"""Fixed tumours, one in each quarter of the brain: mm in MNI152, on which no network was trained."""


@pytest.fixture(scope="module")
def cases(mni152):
    """Tissue and density in the crop, and θ relative to its centre."""
    tissue = mni152.tissue.working_grid(2.0)
    found = []
    for theta in TUMOURS:
        density = simulate(tissue, theta, threads=1)
        offset = tissue.crop_offset(tissue.centre_of_mass(density), (64, 64, 64))
        crop = tissue.crop(offset, (64, 64, 64))
        window = Cut(offset)(density)
        centre = crop.to_world(np.full(3, 31.5))
        found.append((crop, window, theta.to_array() - [*centre, 0, 0]))
    return found


class Cut:
    """A window of 64³ voxels from an offset on."""

    def __init__(self, offset):
        self.offset = offset

    def __call__(self, field):
        from gliofit.base import grids

        return grids.take(field, self.offset, (64, 64, 64))


def test_the_surrogate_is_better_than_the_best_published_one(cases):
    """Below 2.7e-4, the MSE of Haouari et al. 2025, on an anatomy that it never saw; the paper's own has 1.8e-3."""
    network = load_surrogate(WEIGHTS / "surrogate.safetensors")
    errors = []
    for crop, density, theta in cases:
        with torch.inference_mode():
            c = network(network.prepare(crop), torch.tensor(theta[None], dtype=torch.float32))[0].numpy()
        assert c[~crop.mask].max(initial=0) == 0
        errors.append(np.mean((c - density) ** 2))
    assert np.mean(errors) < 2.7e-4


FOCI = [(0.0, 0.0, 0.0), (14.0, -10.0, 6.0), (-8.0, 16.0, -6.0)]
"""mm from the crop's centre."""


@pytest.mark.parametrize("foci", [2, 3])
def test_the_surrogate_of_several_foci_is_near_the_solver(cases, foci):
    """A coarse run with all seeds, corrected; of networks that know one focus, each alone and joined: 1 − ∏(1 − c)."""
    network = load_surrogate(WEIGHTS / "surrogate.safetensors")
    crop, _, _ = cases[1]
    centre = crop.to_world(np.full(3, 31.5))
    model = growth_model("fisher_kolmogorov", foci=foci)
    values = model.on_tissue(crop, [*(centre + np.array(FOCI[:foci])).ravel(), 5.0, 3.4])
    solved = model.simulate(crop, values, threads=1)
    theta = torch.tensor(values[model.theta_places] - [*centre, 0, 0], dtype=torch.float32)
    with torch.inference_mode():
        static = network.prepare(crop)
        together, alone = network(static, theta[None])[0].numpy(), network(static, theta).numpy()
    assert np.mean((together - solved) ** 2) < 3e-4
    assert np.mean((1 - np.prod(1 - alone, axis=0) - solved) ** 2) < 6e-4
    for threshold in (0.2, 0.6):
        assert dice(together >= threshold, solved >= threshold) > 0.95


def test_the_surrogate_has_gradients_of_its_own_finite_differences(cases):
    """In float64, the origin included: what L-BFGS follows is what the network does."""
    network = load_surrogate(WEIGHTS / "surrogate.safetensors").double()
    crop, density, values = cases[1]
    static, target = network.prepare(crop).double(), torch.from_numpy(density).double()

    def loss(theta):
        return (network(static, theta[None])[0] - target).square().mean()

    start = torch.tensor([*values + np.array([3.0, -2.0, 1.0, 1.0, 0.2])], dtype=torch.float64, requires_grad=True)
    loss(start).backward()
    along = torch.tensor([[1.0, -1.0, 1.0, 0.0, 0.0], [-1.0, 1.0, 1.0, 1.0, 0.3]], dtype=torch.float64)
    with torch.no_grad():
        for step in 1e-4 * along:
            difference = float(loss(start + step) - loss(start - step)) / 2
            assert float(start.grad @ step) == pytest.approx(difference, rel=1e-3)


def test_the_inverse_finds_tumours(cases):
    """Nearer than the centre of the prior, by far, in μ_D and μ_ρ, and to a few voxels in the origin."""
    network = load_inverse(WEIGHTS / "inverse.safetensors")
    errors = np.array([network.predict(crop, density) - theta for crop, density, theta in cases])
    relative = np.abs(errors[:, 3:]) / [[t.mu_D, t.mu_rho] for t in TUMOURS]
    assert relative.mean() < 0.25
    assert np.linalg.norm(errors[:, :3], axis=1).mean() < 12


def test_the_geometry_aware_surrogate_is_near_the_solver(mni152):
    """Dice of Ezhov 2021's size, .8 above a density of 0.2, in a head that it never saw; no tumour at all has 0."""
    network, found = load_geometry_aware(WEIGHTS / "geometry_aware.safetensors"), []
    tissue = mni152.tissue.working_grid(2.0)
    for origin, physical in (((28, -18, 22), (0.05, 0.02, 600.0)), ((-34, 6, 18), (0.03, 0.025, 450.0))):
        at = tissue.to_world(np.round(tissue.to_voxel(origin)))
        density = simulate(tissue, Theta.from_physical(tuple(at), *physical), threads=1)
        offset = tissue.crop_offset(at, (64, 64, 64))
        crop = tissue.crop(offset, (64, 64, 64))
        np.testing.assert_allclose(crop.to_voxel(at), 32, atol=1e-2)
        found.append(dice(network.predict(crop, *physical) > 0.2, Cut(offset)(density) > 0.2))
    assert min(found) > 0.6


def errors_of(card):
    """Errors of a network in heads of the atlas that it learned from, and in another."""
    return [next(e for name, e in card["test"].items() if name.endswith(head)) for head in ("sri24", "mni152")]


def test_every_weights_file_has_a_card():
    assert {"surrogate", "inverse", "inverse_segmentation", "lmi", "weidner", "geometry_aware"} <= set(NAMES)
    assert sorted(path.stem for path in WEIGHTS.glob("*.safetensors")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_released_weights_load_and_are_small(name):
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    network = load_network(WEIGHTS / f"{name}.safetensors", card["role"])
    assert sum(p.numel() for p in network.parameters()) == card["parameters"]
    assert (WEIGHTS / f"{name}.safetensors").stat().st_size <= 20e6


@pytest.mark.parametrize("name", NAMES)
def test_cards_say_where_weights_come_from(name):
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    shown = (WEIGHTS / f"{name}.md").read_text()
    assert all(errors_of(card))
    assert card["data"]["train_samples"] >= 450
    for key in ("settings", "seed", "best_step", "seconds", "versions", "metrics"):
        assert key in card
    assert f"{card['test']['mni152']['mse']:.3g}" in shown
    assert ERRORS[card["role"]] in page(card, card.get("log", []))


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_has_the_cards_numbers(name):
    """The table at the top of docs/networks.md, whose last columns are printed here as they should be."""
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    row = next(line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    megabytes = (WEIGHTS / f"{name}.safetensors").stat().st_size / 1e6
    tests = errors_of(card)
    errors = [
        f"{found['mse']:.2e}"
        if card["role"] in ("surrogate", "geometry_aware")
        else f"{found['origin_mm']:.1f} mm; {100 * found['mu_D']:.0f} %; {100 * found['mu_rho']:.0f} %"
        for found in tests
    ]
    cells = [f"{card['parameters']:,}", f"{megabytes:.1f}", str(tests[0]["samples"]), *errors]
    assert row.endswith(f"| {' | '.join(cells)} |")


def test_weights_of_another_card_are_refused(tmp_path):
    for source, target in (("surrogate.safetensors", "a.safetensors"), ("inverse.json", "a.json")):
        shutil.copy(WEIGHTS / source, tmp_path / target)
    with pytest.raises(InputError, match="SHA-256"):
        load_inverse(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="role 'inverse', not 'surrogate'"):
        load_surrogate(tmp_path / "a.safetensors")
