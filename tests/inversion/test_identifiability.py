"""What a scan tells, in words, of a posterior that is known; and its corner plot."""

import numpy as np
import pytest
from PIL import Image

from gliofit.inversion.identifiability import directions, in_words, labels_in_words
from gliofit.inversion.samples import Labels, Samples
from gliofit.reporting.figures.corner import draw_corner


@pytest.fixture(scope="module")
def ridge() -> Samples:
    """μ_D·μ_ρ known to a hundredth, μ_D/μ_ρ hardly, the origin to a millimetre."""
    rng = np.random.default_rng(0)
    size = 4000
    product, ratio = 30 * np.exp(0.01 * rng.normal(size=size)), 4 * np.exp(1.0 * rng.normal(size=size))
    unknowns = {"x": 10 + rng.normal(size=size), "mu_D": np.sqrt(product * ratio), "mu_rho": np.sqrt(product / ratio)}
    values = np.stack(list(unknowns.values()), 1)
    prior = {"x": (-40.0, 40.0, False), "mu_D": (1.0, 40.0, True), "mu_rho": (1.0, 40.0, True)}
    flat = np.zeros(3)
    weights = np.full(size, 1 / size)
    return Samples(tuple(unknowns), values, unknowns, weights, np.zeros(size), flat, flat, 0.0, 0.1, [], prior, {})


def test_directions(ridge):
    best, second, least = directions(ridge)
    assert best["left"] == pytest.approx(0.005 * np.sqrt(2) * np.sqrt(12) / np.log(40), rel=0.05)
    assert best["parts"]["mu_D"] == pytest.approx(best["parts"]["mu_rho"], abs=0.01)  # the product
    assert abs(second["parts"]["x"]) > 0.99
    assert least["parts"]["mu_D"] == pytest.approx(-least["parts"]["mu_rho"], abs=0.01)
    assert least["left"] == pytest.approx(0.5 * np.sqrt(2) * np.sqrt(12) / np.log(40), rel=0.05)


def test_in_words(ridge):
    first, second, last = in_words(directions(ridge))
    assert first.startswith("Known best is mu_D rising with mu_rho rising: 0.7% of its spread")
    assert second.startswith("Hardly told is mu_D")
    assert "falling" in second
    assert last == "Of 3 directions 2 are known to a tenth of their spread or better."


def test_labels_in_words():
    """A power of 1/200 at 2 mm: 200 voxels of 8 mm³ are as good as one."""
    said = labels_in_words(Labels(0.005, 8.98, 2.0))
    assert "here over about 9 mm" in said
    assert "about 200 neighbouring voxels of 2 mm (1.6 ml) count as one observation" in said
    assert "nan" not in labels_in_words(Labels(0.005, np.nan, 2.0))
    assert labels_in_words(Labels(1.0, 0.0, 4.0)).startswith("Every one of the outlines’ voxels of 4 mm")


def test_summary_and_intervals(ridge):
    low, high = ridge.intervals(0.9)["x"]
    assert low == pytest.approx(10 - 1.645, abs=0.1)
    assert high == pytest.approx(10 + 1.645, abs=0.1)
    assert ridge.correlations[1, 2] < -0.7
    assert ridge.summary()["parameters"]["x"]["sd"] == pytest.approx(1, rel=0.05)


def test_corner_plot(ridge, tmp_path):
    draw_corner(tmp_path / "corner", ridge)
    with Image.open(tmp_path / "corner.png") as image:
        assert image.width > 1000
        assert len(image.convert("RGB").getcolors(1 << 24)) > 20
