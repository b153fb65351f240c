"""
antsRegistration: rigid, affine and SyN.

The linear stages run on one thread, as their sums depend on the number of threads; SyN with cross-correlation does not,
so that a result is the same whatever the number of cores.
"""

from __future__ import annotations

from pathlib import Path

from gliofit.anatomy.tools import Settings, check_keys, run_python
from gliofit.base.errors import InputError

RUN = "import sys, ants; sys.exit(ants.registration(sys.argv[1:], None))"

STAGE_KEYS = {"transform", "metrics", "iterations", "tolerance", "shrink", "smoothing"}
"""
As antsRegistration takes them: metrics with {fixed}, {moving}, {fixed_brain} and {moving_brain} for the images;
iterations, shrink and smoothing (voxels) per level.
"""

IMAGES = {name: f"{name}.nii.gz" for name in ("fixed", "moving", "fixed_brain", "moving_brain")}


def check_stages(file: Path, linear: list[dict], deformable: dict) -> None:
    """Raise InputError, naming the file of settings, if a stage is not as antsRegistration needs it."""
    stages = [*linear, deformable]
    check_keys(file, stages, STAGE_KEYS)
    for stage in stages:
        if not len(stage["iterations"]) == len(stage["shrink"]) == len(stage["smoothing"]):
            raise InputError(f"{file}: iterations, shrink and smoothing of {stage['transform']} differ in length")


def run(work: Path, settings: Settings, threads: int) -> list[Path]:
    """Register the images in `work`; affine, warp and inverse warp that were written there."""
    common = ["--dimensionality", "3", "--float", "1", "--collapse-output-transforms", "1"]
    common += ["--random-seed", str(settings.seed), "--masks", "[mask.nii.gz,NA]"]
    common += ["--winsorize-image-intensities", "[{},{}]".format(*settings.winsorize)]
    centres = "[{fixed},{moving},1]".format(**IMAGES)
    linear = [part for stage in settings.linear for part in _stage(stage)]
    _run(work, [*common, "--initial-moving-transform", centres, *linear, "--output", "linear"], threads=1)
    start = "linear0GenericAffine.mat"
    syn = _stage(settings.deformable)
    _run(work, [*common, "--initial-moving-transform", start, *syn, "--output", "syn"], threads)
    return [work / name for name in ("syn0GenericAffine.mat", "syn1Warp.nii.gz", "syn1InverseWarp.nii.gz")]


def _run(work: Path, arguments: list[str], threads: int) -> None:
    run_python("antsRegistration", RUN, arguments, work, threads)


def _stage(stage: dict) -> list[str]:
    """A stage of the settings as arguments of antsRegistration."""
    levels = {key: "x".join(str(v) for v in stage[key]) for key in ("iterations", "shrink", "smoothing")}
    arguments = ["--transform", stage["transform"]]
    for metric in stage["metrics"]:
        arguments += ["--metric", metric.format(**IMAGES)]
    arguments += ["--convergence", f"[{levels['iterations']},{stage['tolerance']},10]"]
    return [*arguments, "--shrink-factors", levels["shrink"], "--smoothing-sigmas", f"{levels['smoothing']}vox"]
