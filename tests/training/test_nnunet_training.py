"""nnU-Net's data set, plan, training and prediction, in small; most of it where the extra is installed."""

from __future__ import annotations

import contextlib
import io
import json
import os

import nibabel as nib
import numpy as np
import pytest
import torch

from gliofit.base.errors import InputError
from gliofit.networks.nnunet import CHANNELS, channels
from gliofit.networks.weights import load_network
from gliofit.synthetic.nnunet_cases import TrainingCase
from gliofit.training import nnunet
from gliofit.training.nnunet_dataset import DATASET, folders, write_dataset
from gliofit.training.settings import NnunetSettings

SETTINGS = NnunetSettings(width=2, memory_gb=0.002, epochs=2, iterations=2)


@pytest.fixture(scope="module")
def cases(small_tissue) -> list[TrainingCase]:
    """Balls in the head, with twice their radius to be found."""
    points = np.moveaxis(small_tissue.to_world(np.moveaxis(np.indices(small_tissue.shape), 0, -1)), -1, 0)
    made = []
    for index, centre in enumerate([(-16, 0, 0), (14, 8, 4), (0, -18, 6)]):
        away = np.sqrt(sum((p - c) ** 2 for p, c in zip(points, centre, strict=True)))
        core, whole = ((away < radius).astype(np.float32) for radius in (8, 12))
        maps = channels(small_tissue, core, whole, 0.5 * whole)
        made.append(TrainingCase(f"single_{index}", maps, (away < 16) & small_tissue.mask, small_tissue.affine))
    return made


@pytest.fixture
def trained(cases, tmp_path, monkeypatch):
    """Train on the cases, with what is given of the options, and return folder and card."""
    pytest.importorskip("nnunetv2", reason="needs the extra nnunet")
    monkeypatch.setattr(nnunet, "load_cases", lambda paths: cases)

    def train(name="a", **options):
        folder = tmp_path / name
        paths = {"log_csv": folder / "l.csv", "figure_png": folder / "f.png", "checkpoint": tmp_path / "kept.pt"}
        with contextlib.redirect_stdout(io.StringIO()):
            card = nnunet.train_nnunet(SETTINGS, [], folder / "w.safetensors", **paths, **options)
        return folder, card

    return train


def test_the_data_set_is_nnunets(cases, tmp_path):
    assert write_dataset(cases, tmp_path, "recurrence") == 6
    raw = tmp_path / "raw" / DATASET
    about = json.loads((raw / "dataset.json").read_text())
    assert about["numTraining"] == 6
    assert set(about["channel_names"].values()) == {"noNorm"}
    assert about["labels"] == {"background": 0, "recurrence": 1}
    pet = f"{CHANNELS.index('pet'):04d}"
    assert nib.load(raw / f"imagesTr/single_1_{pet}.nii.gz").get_fdata().max() == pytest.approx(0.5)
    assert nib.load(raw / f"imagesTr/single_1_mri_{pet}.nii.gz").get_fdata().max() == 0
    (split,) = json.loads((raw / "splits_final.json").read_text())
    assert sorted(split["train"] + split["val"]) == sorted(path.name[:-7] for path in (raw / "labelsTr").iterdir())
    # a patient is not learnt with PET and held out without
    of = {part: {name.removesuffix("_mri") for name in names} for part, names in split.items()}
    assert not of["train"] & of["val"]
    assert of["val"]
    with pytest.raises(InputError, match="two patients at least"):
        write_dataset(cases[:1], tmp_path / "one", "recurrence")


def test_nnunets_folders_are_given_back(tmp_path, monkeypatch):
    given, absent = "nnUNet_raw", "nnUNet_results"  # nnU-Net's own spelling
    monkeypatch.setenv(given, "mine")
    monkeypatch.delenv(absent, raising=False)
    with folders(tmp_path):
        assert os.environ[given] == str(tmp_path / "raw")
    assert os.environ[given] == "mine"
    assert absent not in os.environ


def test_it_is_refused_before_any_work_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr("gliofit.base.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"nnunetv2, which is not installed: pip install 'gliofit\[nnunet\]'"):
        nnunet.train_nnunet(SETTINGS, ["none"], "w", log_csv="l", figure_png="f", checkpoint="c")


def test_a_run_that_was_stopped_ends_as_it_would_have(trained, monkeypatch):
    whole, _ = trained("whole")
    with monkeypatch.context() as patch:
        patch.setattr(nnunet, "_rows", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            trained(
                "stopped"
            )  # after its last epoch; the checkpoint is of the first, as nnU-Net writes none at the end
    again, card = trained("again")
    weights = [(folder / "w.safetensors").read_bytes() for folder in (whole, again)]
    assert weights[0] == weights[1]
    assert card["settings"]["width"] == 2
    assert (again / "l.csv").read_text().count("\n") == 1 + SETTINGS.epochs
    assert not (again.parent / "kept.pt").exists()
    other, _ = trained("other", seed=1)
    assert (other / "w.safetensors").read_bytes() != weights[0]


def test_the_prediction_is_nnunets_own(trained, cases, tmp_path):
    """Its predictor, from files, by its own plans: the same probabilities, voxel by voxel."""
    folder, _ = trained()
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    model = load_network(folder / "w.safetensors", "nnunet")
    ours = model.predict(cases[1].maps)
    with folders(tmp_path / "work"), contextlib.redirect_stdout(io.StringIO()):
        write_dataset(cases, tmp_path / "work", "recurrence")
        plans = nnunet.plan_and_preprocess(SETTINGS, tmp_path / "work")
        raw = tmp_path / "work/raw" / DATASET
        images = [str(raw / f"imagesTr/single_1_{place:04d}.nii.gz") for place in range(len(CHANNELS))]
        manager, about = PlansManager(plans), json.loads((raw / "dataset.json").read_text())
        how = manager.get_configuration("3d_fullres")
        predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
        predictor.manual_initialization(model.network, manager, how, None, about, "", (0, 1, 2))
        data, _, where = how.preprocessor_class(verbose=False).run_case(images, None, manager, how, about)
        logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(data))
    theirs = torch.softmax(logits.float(), 0)[1].numpy().transpose(2, 1, 0)
    box = tuple(slice(*ends) for ends in where["bbox_used_for_cropping"][::-1])  # [z, y, x]
    np.testing.assert_allclose(ours[box], theirs, atol=1e-3)
    assert ours.shape == cases[1].label.shape
    assert theirs.max() - theirs.min() > 0.01
