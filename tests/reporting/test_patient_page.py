"""A patient's page: one file that needs no network, with left on the right and numbers that follow from the fits."""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from cases import TUMOUR_MM, small_patient
from matplotlib import image as images
from pages import Page
from PIL import Image

from gliofit import Fit, Theta, growth_model, simulate
from gliofit.anatomy.anatomy import Anatomy
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume
from gliofit.growth.theta import NAMES
from gliofit.inversion.posterior.laplace import density_deviation, deviation_of_fit
from gliofit.patients.preparation import prepare_patient
from gliofit.patients.prepared import load_prepared
from gliofit.planning.plans import model_plan, standard_plan
from gliofit.reporting.figures.style import figure
from gliofit.reporting.fit_in_words import Columns, fit_row
from gliofit.reporting.patient_page import MethodFit, Plans, parts_by_focus, pictures, write_page
from gliofit.reporting.patient_page.physics import physical_row
from gliofit.reporting.patient_page.viewer import PALETTE, _nilearn, mosaic, shades, viewer

COVARIANCE = np.diag([0.25, 1, 4, 0.04, 0.01, 0.0001, 0.0004])


def fit_by(method: str, theta: Theta | None = None, **changes) -> Fit:
    theta = theta or Theta(TUMOUR_MM, 10.0, 4.0)
    about = {
        "spacing": 4.0, "extras": {"threshold_core": 0.66, "threshold_whole": 0.24}, "loss": 0.3, "history": [0.3],
        "evaluations": 78, "seconds": 1.25, "converged": True, "reason": "the loss settled",
        "model": {"name": "fisher_kolmogorov"}, "parameters": dict(zip(NAMES, theta.to_array(), strict=True)),
    }  # fmt: skip
    return Fit(theta, None, method=method, **about | changes)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, small_tissue):
    folder = tmp_path_factory.mktemp("page")
    anatomy = Anatomy(Volume(np.where(small_tissue.brain, 500.0, 0), small_tissue.affine), small_tissue)
    recurrence = np.where(np.indices(small_tissue.shape)[1] > 14, 3, 0) * small_tissue.mask
    patient = small_patient(folder / "A", small_tissue, maps=True, recurrence=recurrence)
    prepare_patient(patient, anatomy, "fast", folder / "out")
    return load_prepared(folder / "out")


@pytest.fixture(scope="module")
def density(prepared):
    """Around the tumour, at the patient's left, on the scan's own (LPS) grid."""
    world = prepared.tissue.to_world(np.moveaxis(np.indices(prepared.shape), 0, -1))
    distance = np.linalg.norm(world - np.array(TUMOUR_MM), axis=-1)
    return (np.exp(-distance / 8) * prepared.brain).astype(np.float32)


@pytest.fixture(scope="module")
def plans(prepared, density):
    standard = standard_plan(prepared.core, prepared.brain, prepared.tissue.spacing, 8)
    model = model_plan(density, int(standard.sum()), prepared.brain)
    return Plans(standard, model, {"coverage_narrow": 0.5, "coverage_broad": math.nan}, 8.0)


@pytest.fixture(scope="module")
def html(prepared, density, plans, tmp_path_factory):
    scores = {"dice_core": 0.8125, "dice_whole": 0.75, "coverage_narrow": 0.625, "coverage_broad": math.nan}
    fits = {
        "tmcmc": MethodFit("Gauss & <Newton>", fit_by("tmcmc", covariance=COVARIANCE), density, scores),
        "direct": MethodFit("Direct", fit_by("direct", converged=False, reason="ran <out>"), density / 2, {}),
    }
    path = tmp_path_factory.mktemp("html") / "page.html"
    words = {"notes": ["<script>alert()"], "told": ["Hardly told is <T>."]}
    write_page(path, prepared, fits, "tmcmc", plans=plans, deviation=density / 10, **words)
    return path.read_text(encoding="utf-8")


def test_it_loads_nothing_and_is_small(html):
    page = Page(html)
    assert len(page.all("iframe")) == 1
    inner = Page(page.all("iframe")[0]["srcdoc"])
    for part in (page, inner):
        loads = [value for _, a in part.tags for key, value in a.items() if key in ("src", "srcset", "href", "data")]
        assert loads
        assert all(re.match(r"data:image/(png|jpeg);base64,|#", value) for value in loads)
        assert not part.all("link")
    assert not page.all("script"), "only the viewer, in its sandbox, has scripts"
    assert page.all("iframe")[0]["sandbox"] == "allow-scripts"
    assert not re.search(r"url\(|@import", html)
    assert len(html) < 2e6


def test_links_lead_somewhere_and_images_have_words(html):
    page = Page(html)
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {a["href"][1:] for a in page.all("a")} <= targets
    assert len(page.all("img")) == 4
    assert all(len(image["alt"]) > 20 for image in page.all("img"))
    assert all(header["scope"] in ("row", "col") for header in page.all("th"))


def test_it_says_what_it_is_and_escapes_what_it_is_given(html):
    assert "Research software, not a medical device." in html
    assert "&lt;script&gt;alert()" in html
    assert "Gauss &amp; &lt;Newton&gt;" in html
    assert "not converged: ran &lt;out&gt;" in html


def test_its_tables_hold_the_fits(html):
    space = "\N{NO-BREAK SPACE}"
    for text in ("10.00±0.20", "4.00±0.10", "0.660±0.010", "−20.0±0.5", "81.2%", "75.0%", "62.5%", "50.0%"):
        assert f"{text.replace('±', f'{space}±{space}').replace('%', f'{space}%')}" in html
    # T = 100 days: D = μ_D²/T = 1 mm²/day ± 2·10·0.2/100, ρ = 0.16/day ± 2·4·0.1/100, width 10/4 mm
    for text in ("1.000 ± 0.040", "0.1600 ± 0.0080", "0.800 ±", "2.50 ± 0.08"):
        assert text.replace(" ", space) in html
    assert ">78<" in html
    assert "Standard plan (8 mm)" in html


def test_it_says_what_the_scan_tells(html):
    assert "Hardly told is &lt;T&gt;." in html
    assert 'href="#told"' in html


def test_deviations_are_printed_where_there_is_a_covariance():
    fits = fit_by("gauss_newton", covariance=COVARIANCE), fit_by("gauss_newton")
    for fit, printed in zip(fits, (True, False), strict=True):
        assert ("±" in str(fit_row(fit, Columns.of([fit]), {}))) == printed
        assert ("±" in str(physical_row(fit))) == printed


def test_no_deviation_of_an_uptake_that_was_not_sampled():
    extras = {"pet_scale": 0.9, "pet_background": 0.2}
    for method, shown in (("gauss_newton", 5), ("tmcmc", 7)):
        fit = fit_by(method, extras=extras, covariance=np.diag([1, 1, 1, 0.09, 0.04, 0.01, 0.01]))
        assert str(fit_row(fit, Columns.of([fit]), {})).count("±") == shown


def test_contours_of_plans_in_dicom_are_on_the_page(prepared, density, tmp_path):
    with figure(2, 1) as drawn:
        drawn.savefig(tmp_path / "dicom.png", format="png")
    fits = {"direct": MethodFit("Direct", fit_by("direct"), density)}
    for given in (None, tmp_path / "dicom.png"):
        write_page(tmp_path / "page.html", prepared, fits, "direct", contours=given)
        page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
        assert any(a.get("id") == "contours" for _, a in page.tags) == (given is not None)
        assert any(a.get("href") == "#contours" for a in page.all("a")) == (given is not None)


def test_a_page_without_plans_and_deviation(prepared, density, tmp_path):
    fits = {"direct": MethodFit("Direct", fit_by("direct"), density)}
    warned = replace(prepared, report=prepared.report | {"warnings": ["brain Dice with the atlas is only 0.912"]})
    write_page(tmp_path / "page.html", warned, fits, "direct")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<p class="note">brain Dice with the atlas is only 0.912</p>' in html
    assert 'id="plans"' not in html
    assert 'id="uncertainty"' not in html
    with pytest.raises(InputError, match="is to show hybrid, which is not among its methods: direct"):
        write_page(tmp_path / "page.html", prepared, fits, "hybrid")
    with pytest.raises(InputError, match="the density by direct has shape"):
        write_page(tmp_path / "page.html", prepared, {"direct": MethodFit("", fit_by("direct"), density[1:])}, "direct")


def test_physical_units_have_the_deviation_of_a_sample():
    covariance = np.diag([1, 1, 1, 0.09, 0.04, 0, 0]).astype(float)
    covariance[3, 4] = covariance[4, 3] = -0.05
    row = physical_row(fit_by("tmcmc", covariance=covariance), days=50)
    rng = np.random.default_rng(0)
    mu_D, mu_rho = rng.multivariate_normal([10, 4], covariance[3:5, 3:5], 200_000).T
    samples = {
        "diffusivity": mu_D**2 / 50,
        "growth": mu_rho**2 / 50,
        "speed": 2 * mu_D * mu_rho / 50,
        "width": mu_D / mu_rho,
    }
    for name, values in samples.items():
        value, deviation = (float(v) for v in row[name].split("\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"))
        assert value == pytest.approx(values.mean(), rel=0.02)
        assert deviation == pytest.approx(values.std(), rel=0.08)


def test_deviation_is_what_a_step_along_the_only_uncertain_direction_changes(small_tissue):
    theta = Theta((-18.0, 4.0, 3.0), 9.0, 3.5)
    step = np.array([0.3, -0.2, 0.1, 0.05, 0.02])
    covariance = np.zeros((7, 7))
    covariance[:5, :5] = np.outer(step, step)
    covariance[5:, 5:] = 1.0  # thresholds do not change the density
    fit = fit_by("gauss_newton", theta, covariance=covariance)
    found = deviation_of_fit(small_tissue, fit)
    ahead, behind = (simulate(small_tissue, Theta.from_array(theta.to_array() + s * step)) for s in (1, -1))
    np.testing.assert_allclose(found, np.abs(ahead - behind) / 2, atol=0.03 * found.max())
    assert found.max() > 0.01
    _, jacobian = simulate(small_tissue, theta, jacobian=True)
    np.testing.assert_array_equal(found, density_deviation(jacobian, covariance))
    with pytest.raises(InputError, match="the fit by direct has no covariance"):
        deviation_of_fit(small_tissue, fit_by("direct"))


def sprites(html: str) -> dict[str, np.ndarray]:
    """The two mosaics that a viewer opens with: the scan as grey, the layer as RGBA."""
    found = {}
    for name, mode in (("sprite", "L"), ("overlay", "RGBA")):
        source = re.search(rf'id="{name}Img[^>]*?src="data:image/\w+;base64,([^"]+)"', html)[1]
        found[name] = np.asarray(Image.open(BytesIO(base64.b64decode(source))).convert(mode))
    return found


def test_mosaics_are_as_nilearn_makes_them(density, prepared):
    turned = np.pad(density[::-1, ::-1, :-3], ((0, 1), (0, 0), (0, 0)))  # 5² slices, so that no tile stays empty
    affine = np.diag([4.0, 4, 4, 1])
    theirs = sprites(_nilearn((255 * turned).astype(np.uint8), turned, affine))["overlay"]
    ours = mosaic(shades(turned))
    assert theirs.shape[:2] == ours.shape
    np.testing.assert_array_equal(theirs[..., 3] > 0, ours > 0)
    shown = ours > 0
    assert np.abs(theirs[shown][:, :3].astype(int) - PALETTE[ours[shown]]).max() <= 8


def test_viewer_opens_at_the_tumour_with_coordinates_of_the_scan(prepared, density):
    html = viewer(prepared, {"T1c": prepared.scan.data}, {"Density": density, "Core": prepared.core}, spacing=4.0)
    settings = json.loads(re.search(r'brainsprite\((\{"canvas".*?\})\);', html, re.S)[1])
    place, slices = np.array(settings["affine"]), settings["numSlice"]
    index = np.array([slices[a] for a in "XYZ"])
    centre = prepared.tissue.centre_of_mass(prepared.core.astype(np.float32))
    np.testing.assert_allclose(place[:3, :3] @ (index + 1) + place[:3, 3], centre, atol=2.1)
    # the tile of that number is the sagittal slice through the tumour
    nx, ny, nz = (settings["nbSlice"][a] for a in "XYZ")
    columns = sprites(html)["overlay"].shape[1] // ny
    row, column = divmod(index[0], columns)
    overlay = sprites(html)["overlay"]
    tile = overlay[row * nz : (row + 1) * nz, column * ny : (column + 1) * ny]
    assert tile[nz - 1 - index[2], index[1], :3].astype(int).sum() > 300, "bright where the density is high"
    # tiles run from the patient's right to the left, where the tumour is
    shown = overlay[..., 3].reshape(-1, nz, columns, ny).any(axis=(1, 3)).ravel()[:nx]
    assert np.flatnonzero(shown).mean() > nx / 2 + 2
    assert ">Core</option>" in html
    assert ">scan alone</option>" in html


def positions(png: bytes, colour: str, panels: int = 3) -> np.ndarray:
    """Relative horizontal positions of a colour's pixels in the first panel."""
    picture = images.imread(BytesIO(png))[..., :3]
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    near = np.abs(picture - wanted).max(-1) < 0.08
    height, width = near.shape
    first = near[: int(0.85 * height), : width // panels]
    return np.nonzero(first)[1] / first.shape[1]


def test_pictures_show_left_on_the_right(prepared, density, plans):
    scans = pictures.backgrounds(prepared)
    assert list(scans) == ["T1c", "FLAIR"]
    fit = pictures.fit_picture(prepared, density, np.array([TUMOUR_MM]), scans)
    cross = positions(fit, pictures.ORIGIN_COLOUR)
    assert cross.size > 10
    assert 0.6 < np.median(cross) < 0.8
    plan = pictures.plans_picture(prepared, plans.standard, plans.model, "Direct", prepared.recurrence, scans["T1c"])
    for colour in (pictures.METHOD_COLOUR, pictures.RECURRENCE_COLOUR):
        assert positions(plan, colour).size > 20
    assert np.median(positions(plan, pictures.METHOD_COLOUR)) > 0.55


SECOND_MM = (16.0, 4.0, 12.0)


def test_the_part_of_a_plan_that_hangs_on_a_further_focus_is_said_and_drawn(prepared, plans, tmp_path):
    model = growth_model("fisher_kolmogorov", foci=2)
    values = np.array([*SECOND_MM, *TUMOUR_MM, 6.0, 2.5])
    tissue = prepared.tissue.working_grid(4.0)
    density = prepared.to_scan(model.simulate(tissue, values), tissue.affine)
    about = {"model": model.to_dict(), "parameters": dict(zip(model.names, values, strict=True))}
    two = fit_by("gauss_newton", Theta(TUMOUR_MM, 6.0, 2.5), **about)
    plan = model_plan(density, 1500, prepared.brain)
    ((name, part),) = parts_by_focus(two, density, plan, prepared).items()
    assert name == "focus at 16, 4, 12 mm"
    at = [tuple(np.round(prepared.tissue.to_voxel(place)).astype(int)) for place in (SECOND_MM, TUMOUR_MM)]
    assert part[at[0]]
    assert not part[at[1]]
    assert not (part & ~plan).any()

    hanging = replace(plans, model=plan, hanging={name: part})
    path = tmp_path / "page.html"
    write_page(path, prepared, {"gauss_newton": MethodFit("GN", two, density, {})}, "gauss_newton", plans=hanging)
    millilitres = part.sum() * np.prod(prepared.tissue.spacing) / 1000
    assert f"{millilitres:.1f} ml of the plan&#39;s" in path.read_text(encoding="utf-8")
    scan = pictures.backgrounds(prepared)["T1c"]
    drawn = [pictures.plans_picture(prepared, plans.standard, plan, "GN", None, scan, h) for h in (None, {name: part})]
    dots = [positions(png, pictures.HANGING_COLOUR).size for png in drawn]
    assert dots[1] > dots[0] + 10
    assert parts_by_focus(fit_by("gauss_newton"), density, plan, prepared) == {}
