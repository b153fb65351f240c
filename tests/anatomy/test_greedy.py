"""greedy: directions, its inverse, threads, folds, a tumour that pulls nothing, and paths with odd names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from known_deformation import made_patient

from gliofit.anatomy import registration
from gliofit.anatomy.registration import AFFINE, FILES, load_settings, register
from gliofit.base import grids
from gliofit.base.overlap import dice

GREEDY = load_settings("greedy")
SETTINGS = replace(GREEDY, spacing=4.0, deformable={**GREEDY.deformable, "iterations": [60, 20]})
"""For seconds."""


@pytest.fixture(scope="module")
def patient(mni152):
    """A ring tumour on a head that is turned, moved and deformed in a known way."""
    return made_patient(mni152, amount=2.0)


@pytest.fixture(scope="module")
def found(patient, mni152, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results [1],2")
    (folder / AFFINE).write_text("of an earlier run by another tool")
    return register(patient.scan, patient.brain, patient.tumour, mni152, SETTINGS, folder)


def test_the_tumour_pulls_nothing(found, patient, mni152, tmp_path, monkeypatch):
    errors = patient.errors(found)
    monkeypatch.setattr(registration, "filled", lambda image, *_: image)
    pulled = register(patient.scan, patient.brain, patient.tumour, mni152, SETTINGS, tmp_path)
    # measured at 4 mm: 0.61 and 1.08 mm, as it is 1.25 and 2.57 (at 2 mm: docs/registration.md)
    assert np.median(errors) < 0.8
    assert np.percentile(errors, 95) < 1.5
    assert np.median(patient.errors(pulled)) > 1.5 * np.median(errors)


def test_brains_overlap_and_nothing_folds(found, patient, mni152):
    volume = registration.Volume(mni152.tissue.brain.astype(np.float32), mni152.tissue.affine)
    (brain,) = found.to_patient([volume], patient.scan.shape, patient.scan.affine)
    assert dice(brain > 0.5, patient.brain) > 0.96
    assert found.tool == "greedy"
    assert {path.name for path in found.folder.iterdir()} == set(FILES["greedy"])
    assert 0.1 < found.smallest_jacobian(registration.Volume(patient.brain, patient.scan.affine)) < 0.95


def test_there_and_back(found, patient):
    inside = np.argwhere(patient.brain)[::997]
    points = grids.to_world(patient.scan.affine, inside)
    back = found.points_to_patient(found.points_to_atlas(points))
    away = np.linalg.norm(back - points, axis=1)
    assert np.median(away) < 0.05
    assert np.percentile(away, 99) < 0.5


def test_threads_and_chance_change_nothing(found, patient, mni152, tmp_path):
    other = register(patient.scan, patient.brain, patient.tumour, mni152, SETTINGS, tmp_path, threads=2)
    for one, two in zip(found.files, other.files, strict=True):
        first, second = (registration.Registration(path.parent).points_to_atlas([[0, 0, 0]]) for path in (one, two))
        np.testing.assert_array_equal(first, second)
