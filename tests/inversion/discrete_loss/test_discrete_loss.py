"""The discrete loss: its terms at densities for which they are known, its gradient, the way between grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gliofit import Problem, Theta, simulate
from gliofit.growth.seed import initial_density
from gliofit.inversion.discrete_loss.compiled import CompiledLoss
from gliofit.inversion.discrete_loss.domain import ROOM_MM, Domain
from gliofit.inversion.discrete_loss.loss import SCALES, DiscreteLoss
from gliofit.inversion.discrete_loss.start import first_guess
from gliofit.inversion.own_density import Field
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget


@pytest.fixture
def domain(small_tissue, segmented) -> Domain:
    return Domain.around(Problem(small_tissue, segmented), 12, 1.5)


@pytest.fixture
def seen_in_pet(small_tissue, segmented, solved) -> Domain:
    """PET is twice the density plus 0.2, cut away outside its region."""
    region = ((solved > 0.2) & (solved < 0.9)).astype(np.float32)
    target = JointTarget((segmented, PETTarget((2 * solved + 0.2) * region, region)), (1.0, 1.0))
    return Domain.around(Problem(small_tissue, target), 12, 1.5)


def test_the_box_is_the_bounding_box_half_as_long_again(small_tissue, segmented):
    visible = np.argwhere(segmented.whole > 0.5)
    for margin in (1.5, 2.5):
        tissue = Domain.around(Problem(small_tissue, segmented), 10, margin).tissue
        low, high = visible.min(0) - 0.5, visible.max(0) + 0.5
        length = tissue.spacing * 10
        expected = np.maximum(margin * (high - low), high - low + 2 * ROOM_MM / 4) * 4
        np.testing.assert_allclose(length, expected)
        np.testing.assert_allclose(tissue.to_world([4.5] * 3), small_tissue.to_world((low + high) / 2))


def test_pet_cut_away_outside_its_region_does_not_fade_at_its_edge(seen_in_pet):
    observed = seen_in_pet.observed
    partly = (observed.region > 0.05) & (observed.region < 0.95)
    assert partly.sum() > 50
    assert observed.pet[partly].min() > 0.5


def test_a_density_that_is_right_costs_nothing(small_tissue, solved, truth):
    """The solver's own run from the seed, observed as it is: only the residual of a coarse grid is left."""
    domain = Domain.around(Problem(small_tissue, DensityTarget(solved)), 16, 1.5)
    loss = DiscreteLoss(domain, 24)
    moments = np.linspace(0, 1, 24)
    run = [
        simulate(domain.tissue, Theta(truth.origin, *np.sqrt(max(t, 1e-8)) * np.array([truth.mu_D, truth.mu_rho])))
        for t in moments
    ]
    d_w, rho = truth.to_physical(100.0)
    variables = loss.variables(truth.origin, diffusivity=d_w, growth=rho)
    right = loss.terms(torch.as_tensor(np.stack(run)), variables)
    frozen = loss.terms(torch.as_tensor(np.stack([run[-1]] * 24)), variables)
    assert right["pde"] < 0.02 * frozen["pde"]
    assert right["initial"] < 0.05 * frozen["initial"]
    assert right["density"] < 1
    assert right["range"] == right["csf"] == 0


@pytest.mark.parametrize("penalty", ["hinge", "sigmoid"])
def test_outlines_count_what_is_on_the_wrong_side(domain, penalty):
    loss = DiscreteLoss(domain, 4, penalty)
    variables = loss.variables((0, 0, 0), threshold_core=0.7, threshold_whole=0.3)
    shares = {name: (loss.weights[name].mean() * SCALES["segmentation"] ** 2).item() for name in loss.weights}
    empty, full = (
        {k: v.item() for k, v in loss.terms(torch.full((4, *domain.tissue.shape), c), variables).items()}
        for c in (0.0, 1.0)
    )
    # of all voxels alike: the distance to the threshold, or simply wrong
    down, up = (0.3, 0.7), (0.7, 0.3)
    cost = (lambda d: d**2) if penalty == "hinge" else (lambda d: 1.0)
    assert empty["core"] == pytest.approx(shares["core"] * cost(down[1]), rel=1e-3)
    assert empty["edema"] == pytest.approx(shares["edema"] * cost(down[0]), rel=1e-3)
    assert full["edema"] == pytest.approx(shares["edema"] * cost(up[1]), rel=1e-3)
    assert full["background"] == pytest.approx(shares["background"] * cost(up[0]), rel=1e-3)
    assert empty["background"] < 1e-6 > full["core"]


def test_pet_is_scale_and_offset_of_the_density(seen_in_pet):
    loss = DiscreteLoss(seen_in_pet, 4)
    c = torch.as_tensor(0.6 * (seen_in_pet.observed.pet - 0.2)).expand(4, -1, -1, -1)
    right = loss.variables((0, 0, 0), pet_scale=0.6, pet_background=0.2)
    wrong = loss.variables((0, 0, 0), pet_scale=0.9, pet_background=0.2)
    assert loss.terms(c, right)["pet"] < 1e-9
    assert loss.terms(c, wrong)["pet"] > 1


def test_coefficients_stay_in_their_bounds_and_keep_their_values(domain):
    loss = DiscreteLoss(domain, 4)
    for value in (0.51, 0.65, 0.84):
        found = loss.values(loss.variables((3.0, -4.0, 5.0), threshold_core=value, growth=0.3))
        np.testing.assert_allclose(found[0], (3, -4, 5), atol=1e-4)
        assert found[1]["threshold_core"] == pytest.approx(value, abs=1e-5)
        assert found[1]["growth"] == pytest.approx(0.3, rel=1e-5)
    anywhere = torch.linspace(-9, 9, len(loss.coefficients) + 3)
    for name, value in loss.values(anywhere)[1].items():
        assert loss.coefficients[name].low <= value <= loss.coefficients[name].high


def test_the_gradient_is_that_of_the_loss(seen_in_pet):
    """Along a random direction of all unknowns, by central differences in float64."""
    loss = DiscreteLoss(seen_in_pet, 4, "sigmoid")
    for name in ("pet", "points", "faces", "outside"):
        value = getattr(loss, name)
        setattr(loss, name, [v.double() for v in value] if isinstance(value, list) else value.double())
    loss.weights = {name: w.double() for name, w in loss.weights.items()}
    generator = torch.Generator().manual_seed(3)
    u = torch.rand((4, 12, 12, 12), generator=generator, dtype=torch.float64) * 1.2 - 0.1
    v = loss.variables(seen_in_pet.tissue.to_world([6.2, 5.3, 5.8]), growth=0.05).double()
    along = [torch.randn(x.shape, generator=generator, dtype=torch.float64) for x in (u, v)]

    def total(step):
        return sum(loss.terms(u + step * along[0], v + step * along[1]).values())

    u.requires_grad_()
    v.requires_grad_()
    exact = sum((g * a).sum() for g, a in zip(torch.autograd.grad(total(0.0), (u, v)), along, strict=True))
    numeric = (total(1e-6) - total(-1e-6)) / 2e-6
    assert exact.item() == pytest.approx(numeric.item(), rel=1e-5)


@pytest.fixture
def cases(domain, seen_in_pet, small_tissue, segmented, solved):
    """Losses of all kinds of targets and penalties."""
    edema_alone = SegmentationTarget(np.zeros_like(segmented.core), segmented.whole)
    without_core, density = (
        Domain.around(Problem(small_tissue, target), 12, 1.5) for target in (edema_alone, DensityTarget(solved))
    )
    domains = {"sigmoid": domain, "hinge": domain, "PET": seen_in_pet, "no core": without_core, "density": density}
    return {
        name: CompiledLoss(box, 5, "hinge" if name == "hinge" else "sigmoid", 0.02, "cpu", 0.3, 0.5)
        for name, box in domains.items()
    }


def test_the_compiled_loss_is_that_of_torch(cases):
    """Value and gradient, of densities beyond [0, 1] and outside tissue too."""
    generator = torch.Generator().manual_seed(3)
    for name, loss in cases.items():
        u = (torch.rand((5, 12, 12, 12), generator=generator) * 1.2 - 0.1).requires_grad_()
        v = loss.variables(loss.domain.tissue.to_world([6.2, 5.3, 5.8]), growth=0.05).requires_grad_()
        ours, theirs = loss.total(u, v), DiscreteLoss.total(loss, u, v)
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-5), name
        pairs = zip(*(torch.autograd.grad(3 * total, (u, v)) for total in (ours, theirs)), strict=True)
        for mine, automatic in pairs:
            largest = float(automatic.abs().max())
            torch.testing.assert_close(mine, automatic, rtol=1e-4, atol=1e-5 * largest, msg=name)


def test_the_seed_is_the_solvers(domain, small_tissue):
    """The same mass at any place between the voxels, up to what a coarse grid loses."""
    fine = small_tissue.resample_to((96,) * 3, small_tissue.affine @ np.diag([0.25, 0.25, 0.25, 1]))
    origin = domain.tissue.to_world([6.3, 6.4, 5.6])
    _, value, _ = initial_density(fine, origin)
    loss = DiscreteLoss(domain, 4)
    ours = loss.seed(loss.variables(origin)[:3] * 10)
    mass = float(ours.sum()) * np.prod(domain.tissue.spacing)
    assert mass == pytest.approx(value.sum() * np.prod(fine.spacing), rel=0.1)


def test_the_guess_ends_where_the_overlap_is_largest(domain):
    guess = first_guess(domain, 6)
    assert guess.field.shape == (6, 12, 12, 12)
    assert guess.score > 0.4
    d_w, rho = guess.diffusivity, guess.growth
    last = simulate(domain.tissue, Theta.from_physical(guess.origin, d_w, rho, 100.0))
    np.testing.assert_allclose(guess.field[-1], last, atol=1e-4)
    assert guess.field[0].max() == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(("apart", "radius"), [(8, 7), (10, 9)])
def test_the_guess_is_not_stopped_by_a_seed_that_fades_first(small_tissue, apart, radius):
    """Between two foci a seed shows less and less edema until its cells have multiplied."""
    tissue = small_tissue.resample_to((48,) * 3, small_tissue.affine @ np.diag([0.5, 0.5, 0.5, 1]))
    x, y, z = np.meshgrid(*[(np.arange(48) - 23.5) * 2] * 3, indexing="ij")
    core = (np.hypot(np.hypot(np.abs(x) - apart, y - 14), z) < radius) & tissue.mask
    whole = np.hypot(np.hypot(np.maximum(np.abs(x) - apart, 0), y - 14), z) < 1.2 * radius
    target = SegmentationTarget(core.astype(np.float32), (core | (whole & tissue.mask)).astype(np.float32))
    assert first_guess(Domain.around(Problem(tissue, target), 24, 1.5), 4).score > 0.25


def test_without_a_core_the_whole_outline_is_explained(small_tissue, segmented):
    empty = SegmentationTarget(np.zeros_like(segmented.core), segmented.whole)
    domain = Domain.around(Problem(small_tissue, empty), 12, 1.5)
    assert not domain.observed.has_core
    assert "threshold_core" not in DiscreteLoss(domain, 6).coefficients
    assert first_guess(domain, 4).score > 0.5


def test_a_field_comes_back_from_its_grid(small_tissue, solved):
    box = small_tissue.crop((4, 4, 4), (16, 16, 16))
    values = np.where(box.mask, solved[4:20, 4:20, 4:20], np.nan)
    own = Field(values, box.affine).on(small_tissue)
    inside = np.zeros(small_tissue.shape, bool)
    inside[4:20, 4:20, 4:20] = True
    np.testing.assert_allclose(own[inside], solved[inside], atol=1e-6)
    assert own[~inside].max() == 0


def test_a_guess_that_is_off_by_chance_stays_near(small_tissue):
    c = simulate(small_tissue, Theta((11.0, -7.0, 16.0), 6.0, 3.0))
    target = SegmentationTarget((c > 0.6).astype(np.float32), (c > 0.2).astype(np.float32))
    domain = Domain.around(Problem(small_tissue, target), 12, 1.5)
    plain = first_guess(domain, 6)
    off = [first_guess(domain, 6, scatter=0.2, rng=np.random.default_rng(n)) for n in (0, 0, 1)]
    np.testing.assert_array_equal(off[0].field, off[1].field)
    assert off[0].diffusivity != off[2].diffusivity != plain.diffusivity
    for guess in off:
        assert np.abs(domain.tissue.to_voxel(guess.origin) - domain.tissue.to_voxel(plain.origin)).max() < 0.25 * 12
