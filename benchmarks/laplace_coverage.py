"""
Laplace's intervals on the cohort without patients: what fits are off by, and how often intervals hold the truth.

    python benchmarks/laplace_coverage.py ATLAS FOLDER [--first 500] [--number 40] [--spacing 4]

ATLAS has wm, gm and csf.nii.gz. Tumours of one focus grow by the tensor that fits assume, in deformed heads and on
another grid; their outlines are as rough as real ones. FOLDER gets the patients and rows.json; a run goes on where the
last one stopped. Prints the model's error, which `gliofit.inversion.posterior.laplace` has as constants, and coverage
without it, with the constants, and with the error that one half of the tumours has on the other half.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time

import numpy as np
from tqdm import tqdm

from gliofit import Tissue, invert
from gliofit.base.files import write_text
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.posterior import laplace
from gliofit.synthetic.cohort import load_patient, make_patient

NAMES = ("x", "y", "z", "mu_D", "mu_rho", "threshold_core", "threshold_whole")


def row(atlas: Tissue, folder: Path, seed: int, spacing: float) -> dict:
    """One fit, the truth, and standard deviations without the model's error."""
    if not (folder / "truth.json").is_file():
        make_patient(atlas, folder, seed, spacing, foci=1, other_tensor=0)
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
        "noise": np.sqrt(np.maximum(np.diag(noise), 0)).tolist(),
        "cpu": seconds,
    }


def scaled(rows: list[dict]) -> np.ndarray:
    """Errors [N, 7]: origins in radii, logarithms of μ_D and μ_ρ, thresholds."""
    found, truth = (np.array([r[key] for r in rows]) for key in ("found", "truth"))
    radius = np.array([r["radius"] for r in rows])[:, None]
    return np.hstack([(found - truth)[:, :3] / radius, np.log(found / truth)[:, 3:5], (found - truth)[:, 5:]])


def errors(rows: list[dict]) -> np.ndarray:
    """Root mean squares [7] of `scaled`; one of all three axes."""
    square = (scaled(rows) ** 2).mean(0)
    square[:3] = square[:3].mean()
    return np.sqrt(square)


def with_error(rows: list[dict], error: np.ndarray) -> np.ndarray:
    """Standard deviations [N, 7] of the noise and a model's error."""
    unit = np.ones((len(rows), len(NAMES)))
    unit[:, :3] = np.array([r["radius"] for r in rows])[:, None]
    unit[:, 3:5] = np.array([r["found"][3:5] for r in rows])
    return np.hypot([r["noise"] for r in rows], unit * error)


def line(title: str, rows: list[dict], deviations: np.ndarray) -> str:
    """A line of the table for the intervals ±z·sd."""
    off = np.abs(np.array([np.subtract(r["found"], r["truth"]) for r in rows]) / deviations)
    held = [off <= z for z in (0.6745, 1.6449)]
    pooled = [f"{h.mean():.3f} ± {h.mean(1).std() / np.sqrt(len(h)):.3f}" for h in held]
    each = ", ".join(f"{name} {share:.2f}" for name, share in zip(NAMES, held[1].mean(0), strict=True))
    return "| " + " | ".join([title, str(len(rows)), *pooled, each]) + " |"


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
    print(f"model's error, N = {len(rows)}: {errors(rows).round(3).tolist()}")
    print(np.corrcoef(scaled(rows)[:, 3:].T).round(2).tolist())
    print("| intervals | N | 50 % hold | 90 % hold | 90 %, each |\n|---|---|---|---|---|")
    print(line("noise alone", rows, np.array([r["noise"] for r in rows])))
    print(line("with the model's error", rows, with_error(rows, errors(rows))))
    halves = rows[::2], rows[1::2]
    crossed = [with_error(one, errors(other)) for one, other in (halves, halves[::-1])]
    print(line("with the error of the other half", [*halves[0], *halves[1]], np.concatenate(crossed)))


if __name__ == "__main__":
    main()
