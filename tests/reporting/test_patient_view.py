"""Pictures for judging: made headless, with the tumour where it is."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from cases import small_patient
from matplotlib import image as images
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet

from gliofit.anatomy.anatomy import Anatomy
from gliofit.base.nifti import Volume
from gliofit.patients.preparation import prepare_patient
from gliofit.patients.prepared import load_prepared
from gliofit.reporting.figures import style
from gliofit.reporting.figures.patient_view import (
    CORE_COLOUR,
    DENSITY_LINES,
    WHOLE_COLOUR,
    density_picture,
    preparation_picture,
)
from gliofit.reporting.figures.slices import ISOLINES


@pytest.fixture
def prepared(tmp_path, small_tissue):
    anatomy = Anatomy(Volume(np.where(small_tissue.brain, 500.0, 0), small_tissue.affine), small_tissue)
    patient = small_patient(tmp_path / "A", small_tissue, maps=True)
    prepare_patient(patient, anatomy, "fast", tmp_path / "out")
    return load_prepared(tmp_path / "out")


def columns_of(path, colour: str) -> np.ndarray:
    """Relative horizontal positions of the pixels of a colour, in the first (axial) panel's third of the picture."""
    picture = images.imread(path)[..., :3]
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    near = np.abs(picture - wanted).max(-1) < 0.06
    height, width = near.shape
    third = near[: int(0.8 * height), : width // 3]
    return np.nonzero(third)[1] / third.shape[1]


def test_preparation_picture_shows_left_on_the_right(prepared, tmp_path):
    preparation_picture(prepared, tmp_path / "qc.png")
    core = columns_of(tmp_path / "qc.png", CORE_COLOUR)
    assert core.size > 20
    assert np.median(core) > 0.55, "radiological convention: the patient's left is drawn at the right"


@pytest.fixture
def drawn(monkeypatch) -> list:
    """Every figure that is made, as matplotlib has it."""
    seen, figure = [], style.figure

    @contextmanager
    def noted(*size):
        with figure(*size) as fig:
            seen.append(fig)
            yield fig

    monkeypatch.setattr(style, "figure", noted)
    return seen


def test_density_picture_shows_the_isolines(prepared, tmp_path, drawn):
    world = prepared.tissue.to_world(np.moveaxis(np.indices(prepared.shape), 0, -1))
    distance = np.linalg.norm(world - np.array([-20, 8, 4]), axis=-1)
    density = (np.exp(-distance / 8) * prepared.brain).astype(np.float32)
    density_picture(prepared, density, tmp_path / "density.png", "gauss_newton")
    density_picture(prepared, density, tmp_path / "again.png", "gauss_newton")
    assert (tmp_path / "density.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    density_picture(prepared, 0 * density, tmp_path / "empty.png")
    for fig, expected in zip((drawn[0], drawn[-1]), ([*ISOLINES], []), strict=True):
        for ax in fig.axes:
            lines = {to_hex(c.get_edgecolor()[0]).upper(): c for c in ax.collections if isinstance(c, ContourSet)}
            assert {CORE_COLOUR.upper(), WHOLE_COLOUR.upper()} <= set(lines)
            found = [lines[colour].levels[0] for colour in DENSITY_LINES if colour in lines]
            assert found == pytest.approx(expected)
