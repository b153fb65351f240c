"""
Prepared patients through PredictGBM's door against the workflow's own densities: a table for docs/planning.md.

    python benchmarks/door.py results/*/prepared [--method gauss_newton] [--spacing 2] [--write]

Each folder is handed over as the container's contract says and `python -m gliofit.predict_gbm` is called on it. What it
writes is compared with the density that the workflow's fit of the same patient has, made here by the same calls.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from pages import put

from gliofit import predict_gbm
from gliofit.base.nifti import load_volume
from gliofit.base.overlap import dice
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.registry import describe, invert, ready
from gliofit.patients.prepared import Prepared, load_prepared

SEED = 3
"""The workflow's, and the door's."""

THRESHOLDS = (0.1, 0.5)


def lay_out(patient: Prepared, folder: Path, case: Path) -> None:
    """Patient-ID/ID-tumorseg, -gm, -wm, -csf and -pet, as links."""
    case.mkdir(parents=True)
    number = case.name.removeprefix("Patient-")
    for name, source in {"tumorseg": "seg", "wm": "wm", "gm": "gm", "csf": "csf"}.items():
        (case / f"{number}-{name}.nii.gz").symlink_to((folder / f"{source}.nii.gz").resolve())
    if patient.patient.fet:
        (case / f"{number}-pet.nii.gz").symlink_to(Path(patient.patient.fet).resolve())


def workflow_density(patient: Prepared, method: str, spacing: float) -> np.ndarray:
    """As `workflow/scripts/fit_patient.py` makes it."""
    problem = patient_problem(patient, spacing)
    networks = ready(method, [predict_gbm.WEIGHTS / f"{role}.safetensors" for role in describe(method).networks])
    options = {"networks": networks, "seed": SEED, "threads": 1, "model": predict_gbm.GROWTH_MODEL}
    fit = invert(problem.target, problem.tissue, method, **options)
    assert fit.density is not None
    return patient.to_scan(fit.density, problem.tissue.affine)


def row(folder: Path, method: str, spacing: float) -> str:
    patient = load_prepared(folder)
    with tempfile.TemporaryDirectory() as scratch:
        lay_out(patient, folder, Path(scratch) / "in/Patient-00000")
        command = [sys.executable, "-m", "gliofit.predict_gbm", "--method", method, "--spacing", str(spacing)]
        command += ["--input", f"{scratch}/in", "--output", f"{scratch}/out"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        ours = load_volume(Path(scratch) / "out/00000.nii.gz")
    theirs = workflow_density(patient, method, spacing)
    assert ours.shape == theirs.shape
    overlaps = [dice(ours.data > threshold, theirs > threshold) for threshold in THRESHOLDS]
    worst = float(np.abs(ours.data - theirs)[patient.brain].max())
    unset = int(np.count_nonzero(ours.data[patient.brain] <= 0))
    return f"| {patient.patient.id} | {overlaps[0]:.4f} | {overlaps[1]:.4f} | {worst:.3f} | {unset} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", nargs="+", type=Path)
    parser.add_argument("--method", default="gauss_newton")
    parser.add_argument("--spacing", type=float, default=2.0, help="working grid, mm")
    parser.add_argument("--write", action="store_true", help="put the table into the documentation")
    given = parser.parse_args()
    lines = [
        "Patients through the door and by the workflow's own fit: Dice of the two densities above 0.1 and 0.5, their",
        "largest difference in the brain, and voxels of the brain that the door leaves at 0",
        f"(`python benchmarks/door.py --method {given.method} --spacing {given.spacing:g}`).",
        "",
        "| patient | Dice at 0.1 | at 0.5 | largest difference | at 0 |",
        "|---|--:|--:|--:|--:|",
    ]
    for folder in given.prepared:
        lines.append(row(folder, given.method, given.spacing))
        print(lines[-1], flush=True)
    if given.write:
        put("planning.md", "door", lines)


if __name__ == "__main__":
    main()
