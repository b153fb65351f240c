"""Structures of a plan: all that is asked for, under names that planners take and that can be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit.base.nifti import save_volume
from gliofit.planning.dicom.structures import structures

METHODS = ("gauss_newton", "gb_surrogate", "gb_surrogate_com", "hybrid", "hybrid_com", "cmaes_surrogate")


@pytest.fixture
def results(tmp_path):
    """A patient's folder: a core of one voxel, and densities that reach 0.4."""
    masks = {name: np.zeros((6, 6, 6), np.uint8) for name in ("core", "whole", "standard")}
    masks["core"][3, 3, 3] = 1
    masks["whole"][2:5, 2:5, 3] = 1
    masks["standard"][2:5, 2:5, 2:5] = 1
    for name, mask in masks.items():
        save_volume(
            tmp_path / ("plans" if name == "standard" else "prepared") / f"{name}.nii.gz", mask, np.eye(4), "mask"
        )
    density = np.where(masks["whole"], 0.4, 0.05).astype(np.float32)
    for method in METHODS:
        save_volume(tmp_path / f"{method}.nii.gz", density, np.eye(4), "density")
        save_volume(tmp_path / "plans" / f"{method}.nii.gz", masks["standard"], np.eye(4), "mask")
    return tmp_path


def test_each_is_what_it_says(results):
    found = {s.name: s for s in structures(results, ["hybrid"], [0.1, 0.4, 0.5], 15)}
    # nothing reaches 0.5; a level that is met exactly counts
    assert list(found) == ["GTV", "CTV_standard", "CTV_hybrid", "ISO10_hybrid", "ISO40_hybrid"]
    assert {n: int(s.mask.sum()) for n, s in found.items()} == dict(zip(found, (1, 27, 27, 9, 9), strict=True))
    assert [s.kind for s in found.values()] == ["GTV", *["CTV"] * 4]
    assert found["ISO10_hybrid"].file == "hybrid.nii.gz"
    assert len({s.colour for s in found.values()}) == 5


def test_without_a_core_the_gtv_is_the_whole_tumour(results):
    save_volume(results / "prepared" / "core.nii.gz", np.zeros((6, 6, 6), np.uint8), np.eye(4), "mask")
    gross = structures(results, [], [], 15)[0]
    assert gross.mask.sum() == 9
    assert gross.about.startswith("whole tumour")


def test_names_fit_and_can_be_told_apart(results):
    names = [s.name for s in structures(results, METHODS, [0.001, 0.01, 0.125], 15)]
    assert max(map(len, names)) <= 16
    assert len(set(names)) == len(names) == 2 + 4 * len(METHODS)
    assert {"CTV_gauss_newton", "CTV_gb_surrogate", "CTV_gb_surro_com"} <= set(names)
