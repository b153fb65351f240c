"""
Laplace's intervals on the cohort without patients: what fits are off by, and how often intervals hold the truth.

    python benchmarks/laplace_coverage.py ATLAS FOLDER [--first 500] [--number 40] [--spacing 4]

ATLAS has wm, gm and csf.nii.gz. Tumours of one focus grow by the tensor that fits assume, in deformed heads and on
another grid; their outlines are as rough as real ones. FOLDER gets the patients and rows.json; a run goes on where the
last one stopped. The first half of the tumours gives the model's error (`gliofit.inversion.posterior.laplace`), the
second tests intervals with the constants that the package has.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time
from unittest.mock import patch

import numpy as np
from tqdm import tqdm

from gliofit import Tissue, invert
from gliofit.base.files import write_text
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.posterior import laplace
from gliofit.synthetic import cohort_truth
from gliofit.synthetic.cohort import load_patient, make_patient

NAMES = ("x", "y", "z", "mu_D", "mu_rho", "threshold_core", "threshold_whole")


def row(atlas: Tissue, folder: Path, seed: int, spacing: float) -> dict:
    """Errors of one fit, and its standard deviations with the model's error and without."""
    if not (folder / "truth.json").is_file():
        with patch.object(cohort_truth, "OTHER_TENSOR", 0.0):
            make_patient(atlas, folder, seed, spacing, 1)
    patient, _, truth = load_patient(folder, atlas)
    problem, begun = patient_problem(patient, spacing), process_time()
    fit = invert(problem.target, problem.tissue, "gauss_newton", model={"name": "fisher_kolmogorov", "foci": 1})
    seconds = process_time() - begun
    right = [*truth.foci[0], truth.mu_D, truth.mu_rho, truth.threshold_core, truth.threshold_whole]
    found = {**fit.parameters, **fit.extras}
    values = np.array([found[name] for name in NAMES])
    radius = laplace.radius_of(problem)
    total = fit.covariance_of(*NAMES)
    noise = total - laplace.model_error(problem, values, radius)
    return {
        "seed": seed,
        "radius": radius,
        "found": values.tolist(),
        "truth": list(map(float, right)),
        "sd": np.sqrt(np.diag(total)).tolist(),
        "noise": np.sqrt(np.maximum(np.diag(noise), 0)).tolist(),
        "cpu": seconds,
    }


def scaled(rows: list[dict]) -> np.ndarray:
    """Errors [N, 7]: origins in radii, logarithms of μ_D and μ_ρ, thresholds."""
    found, truth = (np.array([r[key] for r in rows]) for key in ("found", "truth"))
    radius = np.array([r["radius"] for r in rows])[:, None]
    return np.hstack([(found - truth)[:, :3] / radius, np.log(found / truth)[:, 3:5], (found - truth)[:, 5:]])


def coverage(rows: list[dict], key: str) -> list[str]:
    """A line of the table for the intervals ±z·sd."""
    off = np.abs(np.array([np.subtract(r["found"], r["truth"]) for r in rows]) / np.array([r[key] for r in rows]))
    held = [off <= z for z in (0.6745, 1.6449)]
    pooled = [f"{h.mean():.2f} ± {h.mean(1).std() / np.sqrt(len(h)):.2f}" for h in held]
    each = [", ".join(f"{name} {share:.2f}" for name, share in zip(NAMES, h.mean(0), strict=True)) for h in held]
    return [*pooled, each[1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("atlas", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=500)
    parser.add_argument("--number", type=int, default=40)
    parser.add_argument("--spacing", type=float, default=4.0)
    given = parser.parse_args()
    atlas = Tissue.from_nifti(*(given.atlas / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
    file = given.folder / "rows.json"
    rows = json.loads(file.read_text()) if file.is_file() else []
    done = {r["seed"] for r in rows}
    for seed in tqdm([s for s in range(given.first, given.first + given.number) if s not in done]):
        try:
            rows.append(row(atlas, given.folder / str(seed), seed, given.spacing))
        except KeyError:
            continue  # an outline without a core has one threshold less
        write_text(file, json.dumps(rows))
    rows.sort(key=lambda r: r["seed"])
    first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    off = scaled(first)
    print(f"model's error, N = {len(first)}: rms {np.sqrt((off**2).mean(0)).round(3).tolist()}")
    print(np.corrcoef(off[:, 3:].T).round(2).tolist())
    print("| intervals | N | 50 % hold | 90 % hold | 90 %, each |\n|---|---|---|---|---|")
    for title, some, key in (
        ("noise alone", rows, "noise"),
        ("with the model's error, first half", first, "sd"),
        ("with the model's error, second half", second, "sd"),
    ):
        print("| " + " | ".join([title, str(len(some)), *coverage(some, key)]) + " |")


if __name__ == "__main__":
    main()
