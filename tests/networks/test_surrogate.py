"""Forward surrogates: shapes, masks, and derivatives in θ."""

import numpy as np
import pytest
import torch

from gliofit import Theta, simulate
from gliofit.base.errors import InputError
from gliofit.growth.ranges import relative_diffusivity
from gliofit.networks.corrected_run import cut
from gliofit.networks.inputs import diffusivity_of, labels_of, mask_of
from gliofit.networks.weidner import Weidner
from gliofit.networks.weights import build
from gliofit.synthetic.prior import Prior

SHAPE = (16, 16, 16)
THETA = [[1.3, -2.1, 3.4, 9.0, 2.6], [-6.2, 4.0, 0.7, 14.0, 2.1]]


def lively(network):
    """Random weights all over: networks start with zeros and tiny scales in places, where gradients would vanish."""
    torch.manual_seed(1)
    for name, p in network.named_parameters():
        if p.ndim > 1:
            torch.nn.init.normal_(p, std=1 / p[0].numel() ** 0.5)
        elif name.endswith("scale"):
            torch.nn.init.constant_(p, 0.5)
    return network


@pytest.fixture(scope="module")
def crop(small_tissue):
    return small_tissue.crop((4, 4, 4), SHAPE)


@pytest.fixture(params=["gliofit", "weidner"])
def network(request):
    return lively(build("surrogate", request.param, SHAPE, 4.0, Prior().box, 8))


def test_channels_are_the_tissue_s(crop):
    maps = torch.from_numpy(np.stack([crop.wm, crop.gm, crop.csf]))
    np.testing.assert_array_equal(mask_of(maps), crop.mask)
    np.testing.assert_array_equal(labels_of(maps), crop.labels())
    np.testing.assert_allclose(diffusivity_of(maps), relative_diffusivity(crop), rtol=1e-6)


def test_densities_lie_in_0_1_and_in_tissue(network, crop):
    static = network.prepare(crop)
    c = network(static, torch.tensor(THETA)).detach()
    assert c.shape == (2, *SHAPE)
    assert c.dtype == torch.float32
    assert 0 <= float(c.min()) < float(c.max()) <= 1
    assert float(c[:, ~torch.from_numpy(crop.mask)].abs().max()) == 0


def test_one_anatomy_serves_every_theta(network, crop):
    static, theta = network.prepare(crop), torch.tensor(THETA)
    with torch.no_grad():
        both, second = network(static, theta), network(static[None], theta[1:])
    torch.testing.assert_close(both[1], second[0], atol=1e-5, rtol=1e-4)
    assert (both[0] - both[1]).abs().max() > 1e-3


def test_derivatives_in_theta_are_exact(network, crop):
    """Against central differences in float64; the origin moves by fractions of a voxel."""
    network = network.double().requires_grad_(False)
    static = network.prepare(crop).double()
    weights = torch.randn(SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def value(theta):
        return (network(static, theta[None])[0] * weights).sum()

    theta = torch.tensor(THETA[0], dtype=torch.float64, requires_grad=True)
    value(theta).backward()
    with torch.no_grad():
        for k in range(5):
            step = torch.zeros(5, dtype=torch.float64)
            step[k] = 1e-5
            difference = float(value(theta + step) - value(theta - step)) / 2e-5
            assert abs(difference) > 1e-4
            assert float(theta.grad[k]) == pytest.approx(difference, rel=1e-4)


def test_gliofits_jacobian_is_that_of_the_coarse_run(crop):
    """Before any training the correction is nothing, and the Jacobian exact; of two foci that grow in one run, too."""
    network = build("surrogate", "gliofit", SHAPE, 4.0, Prior().box, 8)
    static, weights = network.prepare(crop), torch.randn(SHAPE, generator=torch.Generator().manual_seed(2))
    theta = torch.tensor([THETA[0], [*THETA[1][:3], *THETA[0][3:]]], requires_grad=True)
    for foci in (theta[:1], theta):
        density = network(static, foci[None])[0]
        (exact,) = torch.autograd.grad((density * weights).sum(), theta)
        exact = torch.cat([exact[: len(foci), :3].flatten(), exact[:, 3:].sum(0)])
        found, jacobian = network.with_jacobian(static, foci.detach())
        torch.testing.assert_close(found, density.detach())
        torch.testing.assert_close((jacobian * weights).sum((1, 2, 3)), exact, rtol=0.01, atol=0.01)
    lively(network)
    corrected, tangents = network.with_jacobian(static, theta[:1].detach())
    plain, coarse = network.with_jacobian(static, theta[:1].detach(), corrected=False)
    with torch.no_grad():
        torch.testing.assert_close(corrected, network(static, theta[:1])[0])
        torch.testing.assert_close(plain, network.uncorrected(static, theta[:1])[0])
    assert (corrected - plain).abs().max() > 0.01
    assert (tangents - coarse).abs().max() > 0.001


def test_the_paper_s_network_has_the_paper_s_size():
    with torch.device("meta"):
        network = Weidner((128, 128, 128), 1.0, Prior().box, 32)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(10.8e6, rel=0.02)


def test_gliofit_starts_from_the_coarse_run(small_tissue, crop):
    """Before any training it is a run of the solver at twice the spacing, interpolated: near one at full resolution."""
    network = build("surrogate", "gliofit", SHAPE, 4.0, Prior().box, 8)
    centre = crop.to_world((np.array(SHAPE) - 1) / 2)
    for values in np.array(THETA):
        truth = simulate(small_tissue, Theta.from_array(values + np.array([*centre, 0, 0])))[4:20, 4:20, 4:20]
        with torch.no_grad():
            c = network(network.prepare(crop), torch.tensor(values, dtype=torch.float32)[None])[0].numpy()
        assert np.square(c - truth).mean() < 0.1 * np.square(truth).mean()


def test_a_window_is_a_piece_of_the_crop(crop):
    """Away from the window's edge, where interpolation and convolutions see what is beyond."""
    network = build("surrogate", "gliofit", SHAPE, 4.0, Prior().box, 8)
    static, theta = network.prepare(crop)[None].expand(2, -1, -1, -1, -1), torch.tensor(THETA)
    corners = torch.tensor([[0, 4, 8], [6, 2, 4]])
    with torch.no_grad():
        whole, windows = network(static, theta), network.window(static, theta, corners, 8)
    inner = (slice(None), *[slice(1, -1)] * 3)
    torch.testing.assert_close(windows[inner], cut(whole, corners, 8)[inner], atol=1e-5, rtol=1e-4)
    assert windows.max() > 0.1


def test_frozen_convolutions_are_the_same(crop):
    """Frozen networks take another path through oneDNN: same densities, same derivatives."""
    network = lively(build("surrogate", "gliofit", SHAPE, 4.0, Prior().box, 8))
    static, found = network.prepare(crop), []
    for trained in (True, False):
        network.requires_grad_(trained)
        theta = torch.tensor(THETA[:1], requires_grad=True)
        c = network(static, theta)
        found.append((c.detach(), torch.autograd.grad(c.square().sum(), theta)[0]))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_the_paper_s_network_learns_on_coarser_grids(crop):
    """Same neck, same θ; densities on the coarse grid, in tissue."""
    network = lively(build("surrogate", "weidner", (32, 32, 32), 4.0, Prior().box, 8))
    maps = torch.rand(2, 3, 32, 32, 32, generator=torch.Generator().manual_seed(0)) / 3
    for factor in network.coarser_grids:
        c = network.coarser(network.channels(maps), torch.tensor(THETA), factor)
        assert c.shape == (2, *(32 // factor,) * 3)
        assert 0 <= c.min() < c.max() <= 1
        c.sum().backward()
        assert network.coefficients.weight.grad.abs().sum() > 0
        network.zero_grad()


@pytest.mark.parametrize("architecture", ["gliofit", "weidner"])
def test_crops_that_do_not_fit_are_refused(architecture, small_tissue, crop):
    network = build("surrogate", architecture, SHAPE, 2.0, Prior().box, 8)
    with pytest.raises(InputError, match=r"takes crops of \(16, 16, 16\) voxels, not \(24, 24, 24\)"):
        network.prepare(small_tissue)
    with pytest.raises(InputError, match="takes crops at 2 mm"):
        network.prepare(crop)
    with pytest.raises(InputError, match="crops of"):
        build("surrogate", architecture, (18, 18, 18), 2.0, Prior().box, 8)


def test_gliofit_corrects_where_there_are_cells_and_around(small_tissue):
    network = lively(build("surrogate", "gliofit", (24, 24, 24), 4.0, Prior().box, 8))
    static = network.prepare(small_tissue)
    theta = torch.tensor([[14.0, 2.0, 10.0, 2.5, 2.0], [12.0, 6.0, 12.0, 3.0, 1.8]])
    maps = static[None].expand(2, *static.shape)
    with torch.no_grad():
        base = network.coarse(maps, theta)
        found = network.logits(maps, theta)
        box = network.reached(base)
    assert all((s.stop - s.start) % 8 == 0 for s in box[1:])
    outside = torch.ones_like(base, dtype=torch.bool)
    outside[box] = False
    assert 0.2 < outside.float().mean() < 0.9
    assert torch.sigmoid(base[outside]).max() < 0.02
    assert torch.equal(found[outside], base[outside])
    with torch.no_grad():
        alone = network._corrected(maps[(slice(None), *box)], base[box], theta)
    torch.testing.assert_close(found[box], alone)
    assert (found - base)[box].abs().max() > 0.01
    nothing = network.reached(torch.full_like(base, -9.0))
    assert [s.stop - s.start for s in nothing[1:]] == [8, 8, 8]


def test_gliofits_anatomy_is_prepared_anew_when_it_changes(crop):
    network = lively(build("surrogate", "gliofit", SHAPE, 4.0, Prior().box, 8)).eval()
    static, theta = network.prepare(crop), torch.tensor([THETA[0]])
    with torch.inference_mode():
        inferred = network(network.prepare(crop), theta)
    with torch.no_grad():
        before = network(static, theta)
        assert network._last is not None
        assert network._last.of(static[None].expand(1, *static.shape))
        torch.testing.assert_close(inferred, before)
        static[:2] *= 0.8
        changed = network(static, theta)
        network._last = None
        torch.testing.assert_close(network(static, theta), changed, rtol=0, atol=0)
    assert not torch.equal(before, changed)
