"""Training cases of nnU-Net: what is seen, what is sought, and that no tested patient is among them."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit.base.errors import InputError
from gliofit.networks.nnunet import CHANNELS, channels
from gliofit.synthetic import nnunet_cases
from gliofit.synthetic.gliodil_patient import load_patient, make_patient


@pytest.fixture(scope="module")
def patient(small_tissue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "multi_0"
    make_patient(small_tissue, folder, "multi", 3)
    return load_patient(folder, small_tissue)


def test_a_case_has_what_a_fit_is_shown(patient, small_tissue):
    case = nnunet_cases.training_case(*patient, 4.0, "recurrence")
    seen = dict(zip(CHANNELS, case.maps, strict=True))
    tissue = patient[0].tissue.working_grid(4.0)
    outlines = patient[0].target(tissue.shape, tissue.affine).arrays()
    for name in ("core", "whole"):
        np.testing.assert_allclose(seen[name], np.where(tissue.brain, outlines[name], 0))
    assert 0 < seen["pet"].max() <= 1
    assert seen["pet"][seen["whole"] == 0].max() == 0  # as fits are told of PET
    np.testing.assert_allclose(seen["wm"][tissue.brain], tissue.wm[tissue.brain])


def test_what_is_sought_holds_the_core_and_the_recurrence_or_the_cells(patient):
    made, truth = patient
    recurrence, cells = (
        nnunet_cases.training_case(*patient, 4.0, what).label for what in ("recurrence", "infiltration")
    )
    # on a grid of the same spacing
    assert recurrence.sum() == pytest.approx((made.core | (made.recurrence > 0)).sum(), rel=0.25)
    assert cells.sum() == pytest.approx((truth > 0.1).sum(), rel=0.25)
    assert recurrence.sum() != cells.sum()


def test_files_have_the_cases_and_seeds_are_their_own(small_tissue, tmp_path, monkeypatch):
    seeds = []
    monkeypatch.setattr(nnunet_cases, "make_patient", lambda *given: seeds.append(given[3]) or make_patient(*given))
    options = {"spacing": 6.0, "predicts": "recurrence", "seed": 40000}
    nnunet_cases.make_cases(small_tissue, tmp_path / "0.npz", [2], **options)
    assert min(seeds) >= 40000 + nnunet_cases.APART  # patients that are tested have 40000 and what follows
    cases = list(nnunet_cases.load_cases([tmp_path / "0.npz"]))
    assert [case.name for case in cases] == ["single_2", "multi_2"]
    assert cases[0].maps.shape == (len(CHANNELS), *cases[0].label.shape)
    assert np.diag(cases[0].affine).tolist() == [6, 6, 6, 1]
    (tmp_path / "0.npz").write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"0.npz: holds no training cases"):
        list(nnunet_cases.load_cases([tmp_path / "0.npz"]))


def test_without_pet_its_channel_is_empty(small_tissue):
    whole = small_tissue.mask.astype(np.float32)
    seen = channels(small_tissue, whole, whole)
    assert seen[CHANNELS.index("pet")].max() == 0
    assert seen.dtype == np.float32
    assert seen[:, ~small_tissue.brain].max() == 0
