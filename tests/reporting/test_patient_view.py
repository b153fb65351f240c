"""Pictures for judging: made headless, with the tumour where it is."""

from __future__ import annotations

import numpy as np
import pytest
from cases import small_patient
from matplotlib import image as images

from gliofit.anatomy.atlas import Anatomy
from gliofit.base.nifti import Volume
from gliofit.patients.preparation import prepare_patient
from gliofit.patients.prepared import load_prepared
from gliofit.reporting.figures.patient_view import CORE_COLOUR, density_picture, preparation_picture


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


def test_density_picture_shows_the_isolines(prepared, tmp_path):
    world = prepared.tissue.to_world(np.moveaxis(np.indices(prepared.shape), 0, -1))
    distance = np.linalg.norm(world - np.array([-20, 8, 4]), axis=-1)
    density = (np.exp(-distance / 8) * prepared.brain).astype(np.float32)
    density_picture(prepared, density, tmp_path / "density.png", "gauss_newton")
    density_picture(prepared, density, tmp_path / "again.png", "gauss_newton")
    assert (tmp_path / "density.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    density_picture(prepared, 0 * density, tmp_path / "empty.png")
    full, empty = (images.imread(tmp_path / f"{name}.png") for name in ("density", "empty"))
    assert full.shape == empty.shape
    assert np.abs(full - empty).max() > 0.5
