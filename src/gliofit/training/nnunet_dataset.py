"""
Cases as a data set of nnU-Net's, and its plan: what `nnUNetv2_plan_and_preprocess` does, in this process.

nnU-Net's own commands hand each case to a pool of new processes, each of which would import a job's script again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base.errors import InputError
from gliofit.base.files import read_json, write_json
from gliofit.base.nifti import save_volume
from gliofit.networks.nnunet import CHANNELS
from gliofit.synthetic.nnunet_cases import TrainingCase
from gliofit.training.settings import NnunetSettings

DATASET = "Dataset001_GlioFit"
CONFIGURATION, PLANS = "3d_fullres", "nnUNetPlans"

WITHOUT_PET = "mri"
"""Ends the name of a case whose FET-PET is left out."""

VALIDATION = 5
"""One patient in so many is for validation."""


@contextmanager
def folders(work: Path, augmenters: int = 1) -> Iterator[None]:
    """
    nnU-Net's folders below `work`, by the environment, as it wants them.

    `augmenters` are the processes that make batches; 0: this one, so that a seed tells them.
    """
    given = {f"nnUNet_{name}": str(work / name) for name in ("raw", "preprocessed", "results")}
    given |= {"nnUNet_n_proc_DA": str(augmenters), "nnUNet_def_n_proc": "1", "nnUNet_compile": "false"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def write_dataset(cases: Iterable[TrainingCase], work: Path, predicts: str) -> int:
    """
    Write cases as nnU-Net's raw data set, each patient once with FET-PET and once without.

    Returns
    -------
    int
        The number of cases.
    """
    raw, patients = work / "raw" / DATASET, list[str]()
    for case in cases:
        patients.append(case.name)
        for name, pet in ((case.name, True), (f"{case.name}_{WITHOUT_PET}", False)):
            for place, channel in enumerate(CHANNELS):
                seen = case.maps[place] if pet or channel != "pet" else np.zeros_like(case.maps[place])
                save_volume(raw / "imagesTr" / f"{name}_{place:04d}.nii.gz", seen, case.affine)
            save_volume(raw / "labelsTr" / f"{name}.nii.gz", case.label.astype(np.uint8), case.affine)
    if len(patients) < 2:
        raise InputError("nnU-Net needs two patients at least: one to learn from, one for validation")
    ends, held_out = ("", f"_{WITHOUT_PET}"), patients[:: max(2, min(VALIDATION, len(patients)))]
    split = {
        part: [name + end for name in patients if (name in held_out) == (part == "val") for end in ends]
        for part in ("train", "val")
    }
    write_json(raw / "splits_final.json", [split])
    about = {
        # fractions are fractions: nothing is normalised
        "channel_names": {str(place): "noNorm" for place in range(len(CHANNELS))},
        "labels": {"background": 0, predicts: 1},
        "numTraining": 2 * len(patients),
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIO",
    }
    write_json(raw / "dataset.json", about)
    return 2 * len(patients)


def plan_and_preprocess(settings: NnunetSettings, work: Path) -> dict[str, Any]:
    """
    nnU-Net's plans for the data set, and its cases as it trains on them; within `folders`.

    Returns
    -------
    dict
        The plans.
    """
    from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import DatasetFingerprintExtractor
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
    from nnunetv2.imageio.nibabel_reader_writer import NibabelIO
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    ready = work / "preprocessed" / DATASET
    extractor = DatasetFingerprintExtractor(DATASET, 1, verbose=False)
    files = extractor.dataset
    found = [
        extractor.analyze_case(case["images"], case["label"], NibabelIO, max(1, 1_000_000 // len(files)))
        for case in files.values()
    ]
    fingerprint = {
        "spacings": [case[1] for case in found],
        "shapes_after_crop": [[int(n) for n in case[0]] for case in found],
        # that nothing is normalised by
        "foreground_intensity_properties_per_channel": {str(place): {} for place in range(len(CHANNELS))},
        "median_relative_size_after_cropping": float(np.median([case[4] for case in found])),
    }
    write_json(ready / "dataset_fingerprint.json", fingerprint)
    planner = ExperimentPlanner(DATASET, gpu_memory_target_in_gb=settings.memory_gb, plans_name=PLANS)
    planner.UNet_base_num_features = settings.width
    planner.UNet_max_features_3d = 10 * settings.width  # as 320 to 32
    planner.lowres_creation_threshold = 0  # there is one configuration here
    planner.plan_experiment()
    plans = read_json(ready / f"{PLANS}.json")
    manager = PlansManager(plans)
    configuration = manager.get_configuration(CONFIGURATION)
    folder = ready / configuration.data_identifier
    folder.mkdir(parents=True)
    preprocessor = DefaultPreprocessor(verbose=False)
    for name, case in files.items():
        how = manager, configuration, extractor.dataset_json
        preprocessor.run_case_save(str(folder / name), case["images"], case["label"], *how)
    return plans
