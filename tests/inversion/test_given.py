"""What callers give `invert`, `simulate` and `Tissue`: the harmless is taken, the impossible refused."""

from __future__ import annotations

import warnings

import nibabel as nib
import numpy as np
import pytest
import torch
from cases import TUMOUR_MM, write

from gliofit import (
    DensityTarget,
    InputError,
    JointTarget,
    PETTarget,
    SegmentationTarget,
    Theta,
    Tissue,
    growth_model,
    invert,
    simulate,
)
from gliofit.base import grids
from gliofit.observation.given import as_observation

THETA = Theta(TUMOUR_MM, 8.0, 3.0)


@pytest.fixture(scope="module")
def density(small_tissue):
    return simulate(small_tissue, THETA)


def image(data, affine):
    return nib.Nifti1Image(data, affine)


@pytest.mark.parametrize(
    "given",
    [
        lambda d, t: d.tolist(),
        lambda d, t: torch.tensor(d),
        lambda d, t: torch.tensor(d, requires_grad=True),
        lambda d, t: d.astype(">f4"),
        lambda d, t: np.asfortranarray(d.astype(np.float64)),
        lambda d, t: d[..., None],
        lambda d, t: image(d, t.affine),
        lambda d, t: d * 1.0005,
        lambda d, t: torch.tensor(d).half(),
        lambda d, t: DensityTarget(d.tolist()),
    ],
    ids=[
        "list",
        "tensor",
        "tensor with a gradient",
        "big-endian",
        "Fortran",
        "4-D of one",
        "image",
        "a little over 1",
        "half a tensor",
        "target of a list",
    ],
)
def test_harmless_forms_of_a_density(small_tissue, density, given):
    target = as_observation(given(density, small_tissue), small_tissue)
    assert target.density.dtype == np.float32
    assert target.density.flags.c_contiguous
    np.testing.assert_allclose(target.density, density, atol=6e-4)


def test_a_path_is_read(small_tissue, density, tmp_path):
    path = write(tmp_path / "c.nii.gz", density, small_tissue.affine)
    np.testing.assert_array_equal(as_observation(str(path), small_tissue).density, density)


def off(affine, mm):
    moved = affine.copy()
    moved[0, 3] += mm
    return moved


def labels_on(density, affine):
    seg = np.select([density > 0.6, density > 0.25], [3, 2], 0).astype(np.uint8)
    return SegmentationTarget.from_labels(image(seg, affine))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (lambda d, t: 100 * d, r"values from 0 to 9\d.*; a density lies in .0, 1.; is it in percent"),
        (lambda d, t: 255 * d, "a density lies in .0, 1.; was it stored in 8 bits"),
        (lambda d, t: -d, "a density lies in"),
        (
            lambda d, t: (d > 0.5).astype(np.float32),
            "is a mask .0 and 1., not a density: .*SegmentationTarget.from_labels",
        ),
        (lambda d, t: d > 0.5, "is a mask"),
        (lambda d, t: np.select([d > 0.8, d > 0.3], [4, 2], 0), "is a map of whole numbers to 4, not a density"),
        (lambda d, t: np.where(d > 0.5, 0.999, 0), "only 1 different values beside 0, as a mask"),
        (lambda d, t: np.select([d > 0.8, d > 0.3], [4, 2], 0) / 255, "only 2 different values beside 0"),
        (lambda d, t: DensityTarget((d > 0.5).astype(np.float32)), "is a mask .0 and 1., not a density"),
        (lambda d, t: 1e-6 * d, "at most; it is 1 where tissue is full of tumour"),
        (lambda d, t: np.where(t.brain, 0, 0.5 + 0.1 * np.indices(d.shape)[0] / 24), "100% of the tumour lies where"),
        (lambda d, t: SegmentationTarget(d, d**4), "core of the target is no part of its whole tumour"),
        (lambda d, t: PETTarget(5 * d, d), "pet of the target has values from 0 to 4.*; uptake is divided by its"),
        (lambda d, t: labels_on(d, off(t.affine, 4)), "the segmentation is an image on another grid"),
        (lambda d, t: 0 * d, "the tumour is empty"),
        (lambda d, t: np.where(d > 0.9, np.nan, d), "not finite"),
        (lambda d, t: d[1:], r"the target has shape \(23, 24, 24\), the tissue \(24, 24, 24\)"),
        (lambda d, t: d[0], "has 2 dimensions, not 3"),
        (lambda d, t: [*d.tolist()[:3], [1]], "its rows differ in length"),
        (lambda d, t: d.astype(complex), "no array of real numbers"),
        (lambda d, t: {"density": d}, "no array of real numbers but dict"),
        (lambda d, t: None, "no array of real numbers but NoneType"),
        (lambda d, t: image(d, off(t.affine, 4)), "an image on another grid than the tissue: .* up to 4 mm away"),
        (lambda d, t: image(d, np.diag([-1, 1, 1, 1]) @ t.affine), "an image on another grid"),
        (lambda d, t: SegmentationTarget(5 * d, d), "core of the target has values from 0 to 4.86; fractions lie in"),
        (lambda d, t: SegmentationTarget(0 * d, 0 * d), "the tumour is empty"),
    ],
)
def test_what_cannot_be_a_density_is_refused(small_tissue, density, given, fault):
    with pytest.raises(InputError, match=fault) as caught:
        invert(given(density, small_tissue), small_tissue)
    assert "\n" not in str(caught.value)


def test_other_arguments_of_invert(small_tissue, density):
    with pytest.raises(InputError, match="iterations = '5' is not valid: input should be a valid integer"):
        invert(density, small_tissue, iterations="5")
    with pytest.raises(InputError, match="uncertainty = 1 is not valid: input should be a valid boolean"):
        invert(density, small_tissue, uncertainty=1)
    with pytest.raises(InputError, match="tolerance = nan must be finite"):
        invert(density, small_tissue, tolerance=float("nan"))
    with pytest.raises(InputError, match="tissue is ndarray, not a Tissue"):
        invert(density, small_tissue.wm)
    for name, value in {"seed": "a", "threads": 0}.items():
        with pytest.raises(InputError, match=f"{name} = '?{value}'? must be a whole number"):
            invert(density, small_tissue, **{name: value})
    with pytest.raises(InputError, match="unknown method 'None'"):
        invert(density, small_tissue, None)
    small = Tissue(small_tissue.wm, small_tissue.gm, small_tissue.csf, np.diag([0.4, 0.4, 0.4, 1]))
    with pytest.raises(InputError, match=r"head is .* mm long; is its affine in cm"):
        invert(density, small)


def test_a_fit_to_a_list_is_the_fit_to_its_array(small_tissue, density):
    fits = [invert(d, small_tissue, iterations=3, uncertainty=False) for d in (density, density.tolist())]
    np.testing.assert_array_equal(fits[0].density, fits[1].density)


@pytest.mark.parametrize(
    ("labelling", "renamed"),
    [
        ("brats", {1: 1, 2: 2, 3: 3}),
        ("brats2021", {1: 1, 2: 2, 3: 4}),
        ("hd_glio", {1: 2, 2: 1, 3: 2}),
        ("nnunet_task01", {1: 2, 2: 1, 3: 3}),
        ("brats_ped", {1: 2, 2: 4, 3: 1}),
        ("gliodil", {1: 4, 2: 3, 3: 1}),
        ("edema=7, core=9", {1: 9, 2: 7, 3: 9}),
    ],
)
def test_outlines_of_any_labelling(density, labelling, renamed):
    brats = np.select([density > 0.9, density > 0.6, density > 0.25], [1, 3, 2], 0)
    labels = np.vectorize({0: 0, **renamed}.get)(brats)
    target = SegmentationTarget.from_labels(labels, labelling)
    np.testing.assert_array_equal(target.core, density > 0.6)
    np.testing.assert_array_equal(target.whole, density > 0.25)


def test_a_cavity_is_left_out_of_outlines(density):
    labels = np.select([density > 0.9, density > 0.6, density > 0.25], [4, 3, 2], 0)
    target = SegmentationTarget.from_labels(torch.tensor(labels), "brats2024")
    np.testing.assert_array_equal(target.core, (density > 0.6) & ~(density > 0.9))
    np.testing.assert_array_equal(target.whole, (density > 0.25) & ~(density > 0.9))
    with pytest.raises(InputError, match="cannot be told apart; say labels 'brats2021' or 'brats2024'"):
        SegmentationTarget.from_labels(np.where(labels == 4, 4, 0))
    with pytest.raises(InputError, match="shows no tumour under labels 'brats2024'"):
        SegmentationTarget.from_labels(np.where(labels == 4, 4, 0), "brats2024")
    with pytest.raises(InputError, match="not whole numbers; it is no segmentation"):
        SegmentationTarget.from_labels(density)


def test_origins(small_tissue):
    """In tissue as it is, in CSF the nearest tissue, elsewhere refused."""
    fluid = small_tissue.csf > 0.5
    wm, gm = (np.where(fluid, 0, m) for m in (small_tissue.wm, small_tissue.gm))
    wide = Tissue(wm, gm, np.where(fluid, 1, small_tissue.csf), small_tissue.affine)
    voxels = wide.to_world(np.argwhere(fluid))
    ventricle = tuple(voxels[np.abs(voxels).sum(1).argmin()])
    grown = simulate(wide, Theta(ventricle, 6.0, 3.0))
    assert grown.max() > 0.1
    with pytest.raises(InputError, match=r"origin \(-46, -46, -46\) mm lies outside the head: no tissue, no CSF"):
        simulate(small_tissue, Theta((-46.0, -46.0, -46.0), 6.0, 3.0))
    with pytest.raises(InputError, match="lies outside the tissue grid"):
        simulate(small_tissue, Theta((0.0, 0.0, 500.0), 6.0, 3.0))
    with pytest.raises(InputError, match="outside the head"):
        simulate(small_tissue, THETA, further=[(-46.0, -46.0, -46.0)])
    with pytest.raises(InputError, match="theta is tuple"):
        simulate(small_tissue, (0, 0, 0, 6, 3))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda m, a: (m, np.diag([1e-3, 1e-3, 1e-3, 1]) @ a), "voxel edges of 0.004 .* none of a head .in metres"),
        (lambda m, a: (m, np.diag([1e3, 1e3, 1e3, 1]) @ a), "voxel edges of 4e.03 .* none of a head .in microns"),
        (lambda m, a: ([100 * x for x in m], a), "tissue map wm is not a fraction"),
        (lambda m, a: ([np.rint(3 * m[0]), *m[1:]], a), "tissue map wm is not a fraction: its values run from 0 to 3"),
        (lambda m, a: ([m[0], m[0], m[0]], a), "tissue fractions add up to 3 in a voxel"),
        (lambda m, a: ([np.where(m[0] > 0.9, np.nan, m[0]), *m[1:]], a), "not finite"),
        (lambda m, a: ([m[0], m[1][1:], m[2]], a), r"tissue map gm has shape \(23, 24, 24\)"),
        (lambda m, a: ([m[0], "gm", m[2]], a), "gm: no such file"),
        (lambda m, a: (m, np.where(np.eye(4) > 0, np.nan, a)), "affine"),
        (lambda m, a: (m, "affine"), "tissue affine is str, not a 4×4 matrix"),
        (lambda m, a: (m, np.vstack([a[:3], [0, 0, 0, 2]])), "tissue affine ends in the row"),
        (lambda m, a: ([image(m[0], off(a, 4)), *m[1:]], a), "wm is an image with another affine"),
        (lambda m, a: ([x[:0] for x in m], a), "holds no voxel"),
    ],
)
def test_tissue_that_cannot_be(small_tissue, change, fault):
    maps, affine = change([small_tissue.wm, small_tissue.gm, small_tissue.csf], small_tissue.affine)
    with pytest.raises(InputError, match=fault):
        Tissue(*maps, affine)


def test_harmless_forms_of_tissue(small_tissue):
    wm, gm, csf = small_tissue.wm, small_tissue.gm, small_tissue.csf
    other = Tissue(
        torch.tensor(wm),
        gm.astype(">f8"),
        image(np.asfortranarray(csf), small_tissue.affine),
        small_tissue.affine.tolist(),
    )
    for name in ("wm", "gm", "csf"):
        np.testing.assert_array_equal(getattr(other, name), getattr(small_tissue, name))
    assert grids.spacing_of(other.affine)[0] == 4


@pytest.mark.parametrize(
    ("maps", "fault"),
    [
        (lambda t: (np.ma.masked_less(t.wm, 0.5), t.gm, t.csf, t.affine), "wm has masked voxels"),
        (lambda t: (torch.tensor(t.wm).to_sparse(), t.gm, t.csf, t.affine), "wm is a tensor that numpy cannot read"),
        (lambda t: (t.wm, t.gm, t.csf, t.affine.astype(complex)), "affine is ndarray, not a 4×4 matrix of numbers"),
    ],
)
def test_arrays_that_would_lose_a_part(small_tissue, maps, fault):
    with pytest.raises(InputError, match=fault):
        Tissue(*maps(small_tissue))


def test_maps_with_an_axis_of_one(small_tissue):
    other = Tissue(*(m[..., None] for m in (small_tissue.wm, small_tissue.gm, small_tissue.csf)), small_tissue.affine)
    np.testing.assert_array_equal(other.wm, small_tissue.wm)


@pytest.mark.parametrize("spacing", [0, -2, "2", np.nan, 0.05, True])
def test_a_working_grid_that_cannot_be(small_tissue, spacing):
    with pytest.raises(InputError, match=r"working grid's spacing = .* must be 0\.25 to 20 mm"):
        small_tissue.working_grid(spacing)


def test_maps_where_paths_belong(small_tissue):
    with pytest.raises(InputError, match="takes paths, not ndarray"):
        Tissue.from_nifti(small_tissue.wm, small_tissue.gm, small_tissue.csf)


@pytest.mark.parametrize("threads", [0, -1, "2", 1.5, True])
def test_threads_that_cannot_be(small_tissue, threads):
    """−1 had given a density of zeros."""
    for run in (
        lambda: simulate(small_tissue, THETA, threads=threads),
        lambda: growth_model("mass_effect").simulate(small_tissue, [*TUMOUR_MM, 8, 3, 9], threads=threads),
    ):
        with pytest.raises(InputError, match=r"threads = .* must be a whole number, 1 or more"):
            run()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ((-46.0, -46.0, -46.0, 6, 3), "lies outside the head: no tissue, no CSF is there"),
        ((0.0, 0.0, 500.0, 6, 3), "lies outside the tissue grid"),
        ((*TUMOUR_MM, 8000, 3), r"mu_D = 8000 mm .in micrometres.. is none of a tumour"),
        ((*TUMOUR_MM, 8), "takes 5 finite numbers"),
        (THETA, r"takes numbers .x, y, z, mu_D, mu_rho., not Theta"),
        (["a"] * 5, r"takes numbers .*, not list"),
        ({"x": 0.0, "y": 0.0}, "parameter z is missing"),
        ({"x": "here", "y": 0.0, "z": 0.0, "mu_D": 8, "mu_rho": 3}, "takes numbers .*, not dict"),
        ({"x": 0.0, "y": 0.0, "z": 0.0, "mu_D": 8, "mu_rho": 3, "gamma": 9}, "unknown parameter 'gamma'"),
    ],
)
def test_models_are_asked_as_strictly_as_the_solver(small_tissue, values, fault):
    with pytest.raises(InputError, match=fault):
        growth_model().simulate(small_tissue, values)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"refine": -1.0}, r"refine = -1\.0 must be a positive number"),
        ({"refine": float("nan")}, "refine = nan must be"),
        ({"refine": "1"}, "refine = '1' must be"),
        ({"ratio": "10"}, "ratio = '10' must be"),
        ({"ratio": 0}, "ratio = 0 must be"),
        ({"dtype": int}, "dtype = .*int.* is neither float32 nor float64"),
        ({"further": 5}, "further = 5 is no list of origins"),
    ],
)
def test_options_of_a_run_that_cannot_be(small_tissue, options, fault):
    """A refinement below 0 had given densities of 36."""
    with pytest.raises(InputError, match=fault):
        simulate(small_tissue, THETA, **options)


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        (["necrosis"], {}, "unknown growth model"),
        ({"name": ["necrosis"]}, {}, "unknown growth model"),
        ("mass_effect", {"screening": "far"}, "screening = 'far' must be a length in mm"),
        ("necrosis", {"death": None}, "death = None must be a number, not negative"),
    ],
)
def test_models_that_cannot_be(name, options, fault):
    with pytest.raises(InputError, match=fault):
        growth_model(name, **options)


@pytest.mark.parametrize(
    ("method", "options", "fault"),
    [
        (["direct"], {}, "unknown method"),
        ("gauss_newton", {"front_widths": ()}, "front_widths = .* is not valid: .* at least 1"),
        ("gauss_newton", {"front_widths": (3.0, 0.0)}, "front_widths.1 = 0.0 is not valid: .* greater than 0"),
        ("gauss_newton", {"keep": 0}, "keep = 0 is not valid: input should be greater than 0"),
        ("gauss_newton", {"iterations": 2.5}, "iterations = 2.5 is not valid"),
        ("wavefront", {"rate": 0.0}, "rate = 0.0 is not valid: input should be greater than 0"),
        ("gliodil", {"cells": 2}, "cells = 2 is not valid: .* greater than or equal to 4"),
        ("gliodil", {"iterations": ()}, "iterations = .* is not valid"),
        ("tmcmc", {"begin": "middle"}, "begin = 'middle' is not valid: .* 'mode' or 'prior'"),
        ("tmcmc", {"wide": 1.5}, "wide = 1.5 is not valid: .* less than or equal to 1"),
        ("tmcmc_manifold", {"step": 0.0}, "step = 0.0 is not valid: input should be greater than 0"),
        ("cmaes_solver", {"population": 1}, "population = 1 is not valid: .* greater than or equal to 2"),
        ("tmcmc", {"ranges": {"mu_D": 5}}, "ranges = .* must be pairs of numbers by name"),
        ("tmcmc", {"ranges": {"mu_D": ["a", "b"]}}, "ranges = .* must be pairs of numbers by name"),
        ("lmi", {"morph": "atlas", "networks": {"lmi": "lmi.safetensors"}}, "morph is str, not a Morph"),
        ("direct", {"networks": {"inverse": "a", "inverse_segmentaton": "b"}}, "did you mean 'inverse_segmentation'"),
        ("gb_surrogate", {"networks": {"surrogate": None}}, "surrogate is NoneType, not the path of weights"),
    ],
)
def test_settings_that_cannot_be(small_tissue, density, method, options, fault):
    """A role misspelt had been passed over, and another network asked in its place."""
    with pytest.raises(InputError, match=fault):
        invert(density, small_tissue, method, **options)


def test_a_checkpoint_that_is_a_folder(small_tissue, density, tmp_path):
    with pytest.raises(InputError, match="is no checkpoint of a sampler"):
        invert(density, small_tissue, "tmcmc", samples=8, checkpoint=str(tmp_path))


def test_several_observations_that_cannot_be(density):
    seen = DensityTarget(density)
    for weight in (-1.0, 0.0, float("nan"), "1"):
        with pytest.raises(InputError, match=r"the weight .* of an observation must be a positive number"):
            JointTarget((seen,), (weight,))
    with pytest.raises(InputError, match="ndarray among several observations is none"):
        JointTarget((density,), (1.0,))


def test_voxel_edges_of_a_distance(density):
    seen = SegmentationTarget((density > 0.6).astype(np.float32), (density > 0.2).astype(np.float32))
    by_number, by_axes = (seen.measured_by("distance", edges) for edges in (4, (4.0, 4.0, 4.0)))
    np.testing.assert_array_equal(by_number.distances, by_axes.distances)
    for spacing in (0, -4.0, "4 mm", (4, 4)):
        with pytest.raises(InputError, match="spacing"):
            seen.measured_by("distance", spacing)


def test_values_of_a_model_by_name(small_tissue, density):
    model = growth_model()
    given = dict(zip(model.names, (*TUMOUR_MM, 8.0, 3.0), strict=True))
    np.testing.assert_array_equal(model.simulate(small_tissue, given), density)
    with pytest.raises(InputError, match="tissue is ndarray, not a Tissue"):
        model.simulate(small_tissue.wm, given)


def test_searches_may_ask_beyond_tissue(small_tissue):
    assert not growth_model().grow(small_tissue, (-46.0, -46.0, -46.0, 6, 3)).any()


def test_theta_that_cannot_be(small_tissue):
    with pytest.raises(InputError, match="the origin here is not three finite coordinates"):
        Theta("here", 8.0, 3.0)
    with pytest.raises(InputError, match=r"mu_D = 8\.0 must be finite"):
        Theta(TUMOUR_MM, "8.0", 3.0)
    with pytest.raises(InputError, match="mu_D = True must be finite"):
        Theta(TUMOUR_MM, True, 3.0)
    with pytest.raises(InputError, match="mu_rho = None is no number"):
        Theta(TUMOUR_MM, 8.0, None)
    with pytest.raises(InputError, match=r"mu_D = 8000 mm .in micrometres.. is none of a tumour"):
        simulate(small_tissue, Theta(TUMOUR_MM, 8000.0, 3.0))


def test_the_numbers_of_another_labelling_are_doubted(density):
    labels = np.select([density > 0.6, density > 0.25], [2, 1], 0)
    with pytest.warns(UserWarning, match="edema makes only 11%.*could be labels 'hd_glio'"):
        SegmentationTarget.from_labels(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SegmentationTarget.from_labels(labels, "hd_glio")
    with pytest.warns(UserWarning, match="has no edema: its only label, 1"):
        SegmentationTarget.from_labels(density > 0.25)
    with pytest.raises(InputError, match="labels are dict and not text"):
        SegmentationTarget.from_labels(labels, {"edema": 1})
