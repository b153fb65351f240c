"""The compiled step against the plain one."""

import numpy as np
import pytest

from gliofit.growth import reference
from gliofit.growth.cpu.region import region_of
from gliofit.growth.cpu.stepper import Stepper
from gliofit.growth.fisher_kolmogorov import medium
from gliofit.growth.ranges import relative_diffusivity
from gliofit.growth.schedule import Schedule

CORNER, WINDOW = np.array([4, 0, 3]), (13, 20, 12)
"""Where the fields are: with a ventricle inside, and up to a border of the grid."""


def rough_fields(tissue, count):
    """A density and tangents without any smoothness, as a check of stencils wants them."""
    rng = np.random.default_rng(3)
    fields = np.zeros((count, *tissue.shape))
    inside = tuple(slice(c, c + n) for c, n in zip(CORNER, WINDOW, strict=True))
    fields[:, *inside] = rng.normal(size=(count, *WINDOW))
    fields[0, *inside] = rng.uniform(0, 1, WINDOW)
    return fields * tissue.mask


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("fields", [1, 6, 9])
@pytest.mark.parametrize("stages", [2, 3, 9])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_compiled_step_is_the_plain_one(small_tissue, all_helpers, dtype, tolerance, fields, stages, threads):
    tissue, ground = small_tissue, medium(small_tissue, dtype)
    weights, growth, omega = np.array([0.2, 0.5, 0.3]), 0.7, 2 / ground.radius
    own = np.zeros((fields, 4))
    own[-2:] = [[0.3, -0.2, 0.4, 0.1], [0.5, 0.1, -0.7, 0.6]][-fields:]
    begin = rough_fields(tissue, fields)
    inner = tuple(slice(1, n + 1) for n in tissue.shape)
    d = ground.diffusivity[inner].astype(float)
    np.testing.assert_allclose(d[tissue.mask], relative_diffusivity(tissue)[tissue.mask], rtol=1e-6)
    expected = reference.step(begin, stages, weights, growth, own, omega, d, tissue.mask, tissue.spacing)

    nothing, flows = np.zeros((1, 3)), np.array([0, growth])
    plan = Schedule(np.array([stages]), weights[None], flows, nothing, 0 * flows, nothing, 0 * flows, np.ones(1))
    stepper = Stepper(ground.diffusivity, omega / 2 / tissue.spacing**2, plan, threads)
    region = region_of(ground.diffusivity.shape, tissue.shape[2], CORNER, WINDOW, threads)
    y, buffers = stepper.room(fields, 20)
    stepper.padded(y)[:, *inner] = begin
    stepper.run(y, fields, buffers, region, stepper.steps(own[None]))
    ours = stepper.padded(y)[:, *inner]
    for k in range(fields):
        error = np.abs(ours[k] - expected[k]).max() / np.abs(expected[k]).max()
        assert error < tolerance
    assert not ours[:, ~tissue.mask].any()


def test_the_operator_is_that_of_its_definition(small_tissue):
    tissue, d = small_tissue, relative_diffusivity(small_tissue).astype(float)
    y = rough_fields(tissue, 1)[0]
    ours = reference.operator(y, d, tissue.mask, np.array([1.0, 2.0, 3.0]))
    for i in np.argwhere(tissue.mask)[::97]:
        total = 0.0
        for axis, h in enumerate((1.0, 2.0, 3.0)):
            for step in (1, -1):
                k = tuple(i + step * np.eye(3, dtype=int)[axis])
                total += tissue.mask[k] * (d[tuple(i)] + d[k]) / 2 * (y[k] - y[tuple(i)]) / h**2
        assert ours[tuple(i)] == pytest.approx(total, abs=1e-12)
