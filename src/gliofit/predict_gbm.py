"""
GlioFit as a growth model of the PredictGBM benchmark: its container's entry point.

    python -m gliofit.predict_gbm [--method gauss_newton] [--input /mlcube_io0] [--output /mlcube_io1]

reads INPUT/Patient-00000/00000-{gm,wm,csf,tumorseg}.nii.gz, and 00000-pet.nii.gz where it is, and writes the density
to OUTPUT/00000.nii.gz, on the grid of tumorseg, positive in all of the brain. With several folders Patient-*, each gets
its file.

    python -m gliofit.predict_gbm evaluate --recurrence FILE

scores such a prediction by our rules and by the benchmark's. docs/planning.md tells where they differ.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base.errors import InputError
from gliofit.base.files import write_json
from gliofit.base.nifti import Volume, load_volume, save_volume
from gliofit.evaluation.coverage_scores import ordered_scores, standard_target
from gliofit.evaluation.predict_gbm_scores import predict_gbm_scores
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.registry import OPTIONAL, describe, invert, ready
from gliofit.patients.benchmark_case import BenchmarkCase, case_id, cases, load_case
from gliofit.patients.headers import PLACE, apart
from gliofit.planning.coverage import density_ranks, distance_ranks
from gliofit.planning.plans import recurrence_masks
from gliofit.planning.ranking import positive_everywhere

WEIGHTS = Path(__file__).resolve().parents[2] / "resources" / "weights"
"""The released networks, in the repository that the package is installed from."""

GROWTH_MODEL = {"name": "fisher_kolmogorov", "foci": "auto"}
"""As patients are fitted by the workflow."""

EMPTY = (
    "The recurrence has no {}: its coverage is undefined (null) and left out of means here; PredictGBM scores it 1.0, "
    "for any plan."
)


def predict(case: BenchmarkCase, arguments: argparse.Namespace) -> np.ndarray:
    """The density [x, y, z] of a case, float32, positive in all of its brain and nowhere twice the same."""
    problem = patient_problem(case, arguments.spacing)
    networks = _networks(arguments.method, Path(arguments.weights))
    options: dict[str, Any] = {"networks": networks, "seed": arguments.seed, "threads": arguments.threads}
    fit = invert(problem.target, problem.tissue, arguments.method, model=GROWTH_MODEL, **options, **dict(arguments.set))
    for warning in (*case.warnings, *fit.warnings):
        print(f"Warning: {warning}", file=sys.stderr)
    assert fit.density is not None  # a fit that was just made
    density = case.to_scan(fit.density, problem.tissue.affine)
    return positive_everywhere(density, case.head, case.tissue.spacing, near=case.whole)


def _networks(method: str, folder: Path) -> dict[str, Any]:
    """The released networks that a method needs, loaded."""
    paths = []
    for role in describe(method).networks:
        path = folder / f"{role}.safetensors"
        if path.is_file():
            paths.append(path)
        elif role not in OPTIONAL:
            raise InputError(f"{path}: no such file; method {method} needs these weights (--weights FOLDER)")
    return ready(method, paths)


def evaluate(case: BenchmarkCase, prediction: np.ndarray) -> dict[str, Any]:
    """
    Scores of a prediction [x, y, z] on the grid of a case with a recurrence.

    Returns
    -------
    dict
        `ours` (`gliofit.evaluation.coverage_scores`) and `predict_gbm` (its definitions), each for the prediction and
        for the standard plan, and `differences`: sentences on what makes them differ here.
    """
    assert case.recurrence is not None
    brain, spacing = case.brain, case.tissue.spacing
    ranks = {
        "model": density_ranks(prediction, brain, spacing),
        "standard": distance_ranks(standard_target(case)[1], brain),
    }
    ours = {name: ordered_scores(rank, case) for name, rank in ranks.items()}
    theirs = predict_gbm_scores(prediction, case.labels, case.recurrence, case.head)
    narrow, broad = recurrence_masks(case.recurrence)
    differences = [EMPTY.format("enhancing core")] * (narrow is None and bool(broad.any()))
    differences += [EMPTY.format("tumour at all")] * (not broad.any())
    if not np.allclose(spacing, 1, atol=1e-3):
        edges = " × ".join(f"{edge:g}" for edge in spacing)
        differences.append(f"Voxels are {edges} mm: PredictGBM's margin of 15 is in voxels, ours in mm.")
    differences.append(
        "PredictGBM's plan is all above a threshold that is found to within 1 % of the standard plan's volume, before "
        "it is cut to the brain; ours has exactly as many voxels of the brain."
    )
    return {"ours": ours, "predict_gbm": theirs, "differences": differences}


def main(given: Sequence[str] | None = None) -> int:
    """Predict or evaluate as the command line says; 1 after a fault of the input, which is said in one sentence."""
    arguments = _parser().parse_args(given)
    try:
        describe(arguments.method)
        folders = cases(arguments.input)
        return _evaluate_all(folders, arguments) if arguments.command else _predict_all(folders, arguments)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
    except OSError as error:  # of what is written
        print(f"Error: {error.filename2 or error.filename}: {error.strerror}", file=sys.stderr)
    return 1


def _predict_all(folders: list[Path], arguments: argparse.Namespace) -> int:
    """One fault does not stop the other cases; it is said, and in the end the exit code is 1."""
    output = Path(arguments.output)
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file; a folder is needed")
    faults = 0
    for folder in folders:
        try:
            case = load_case(folder)
            density = predict(case, arguments)
        except InputError as error:
            print(f"Error: {error}", file=sys.stderr)
            faults = 1
            continue
        target = output / f"{case_id(folder)}.nii.gz"
        save_volume(target, density, case.affine, "density", f"{arguments.method} cell density")
        print(target)
    return faults


def _evaluate_all(folders: list[Path], arguments: argparse.Namespace) -> int:
    given = arguments.recurrence
    if given and len(folders) > 1:
        raise InputError(f"{arguments.input}: has {len(folders)} cases; --recurrence is for one")
    found = {}
    for folder in folders:
        own = case_id(folder)
        recurrence = Path(given) if given else folder / f"{own}-recurrence.nii.gz"
        path = Path(arguments.output) / f"{own}.nii.gz"
        case, prediction = load_case(folder, recurrence), load_volume(path)
        found[own] = evaluate(case, prediction.data) | {"warnings": [*case.warnings, *_doubts(path, prediction, case)]}
        for warning in found[own]["warnings"]:
            print(f"Warning: {warning}", file=sys.stderr)
    scores = _json_ready(found)
    if arguments.scores:
        write_json(arguments.scores, scores)
    print(json.dumps(scores, indent=1, ensure_ascii=False))
    return 0


def _doubts(path: Path, prediction: Volume, case: BenchmarkCase) -> list[str]:
    """What is doubtful about a prediction; InputError if it is none."""
    if prediction.shape != case.shape:
        raise InputError(f"{path}: shape {prediction.shape} differs from {case.shape} of the case's tumorseg")
    if prediction.data.min() == prediction.data.max():
        raise InputError(f"{path}: is the same everywhere, so that no voxel comes before another in a plan")
    off = apart(prediction.affine, case.affine, case.shape)
    if off <= PLACE:
        return []
    return [
        f"{path}: its affine differs from tumorseg's, by up to {off:.0f} voxels; voxels are compared in the order in "
        "which they are stored, as PredictGBM does"
    ]


def _json_ready(value: Any) -> Any:
    """None for numbers that JSON does not know: what is undefined, or infinitely far."""
    if isinstance(value, dict):
        return {key: _json_ready(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    if name in inspect.signature(invert).parameters:
        raise argparse.ArgumentTypeError(f"'{name}' is no setting of a method")
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    return name, tuple(found) if isinstance(found, list) else found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m gliofit.predict_gbm", description="A density for PredictGBM.")
    places = argparse.ArgumentParser(add_help=False)
    for name, default, what in (
        ("input", "/mlcube_io0", "folder with Patient-00000"),
        ("output", "/mlcube_io1", "folder of 00000.nii.gz"),
    ):
        parser.add_argument(f"--{name}", default=default, help=f"{what} (default: {default})")
        places.add_argument(f"--{name}", default=argparse.SUPPRESS, help=f"{what} (default: {default})")
    parser.add_argument("--method", default="gauss_newton", help="inversion method (default: gauss_newton)")
    parser.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="of the method")
    parser.add_argument("--weights", default=str(WEIGHTS), help="folder of the networks' weights")
    parser.add_argument("--spacing", type=float, default=2.0, help="working grid, mm (default: 2)")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    commands = parser.add_subparsers(dest="command")
    scoring = commands.add_parser("evaluate", parents=[places], help="score a prediction by both rules")
    scoring.add_argument("--recurrence", help="labels of the follow-up (default: 00000-recurrence.nii.gz of the case)")
    scoring.add_argument("--scores", help="JSON file that gets what is printed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
