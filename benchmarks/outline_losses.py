"""
What the loss of outlines does to the density where nothing is seen: one-focus Gauss–Newton on the cohort.

    python benchmarks/outline_losses.py ATLAS FOLDER [--number 16] [--spacing 4]

ATLAS and FOLDER as for `cohort_foci.py`, whose patients are used again. Prints the table of docs/cohort.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from tqdm import tqdm

from gliofit import Tissue, invert
from gliofit.base.files import write_text
from gliofit.evaluation.cohort_scores import fit_scores
from gliofit.inversion.patient_problem import patient_problem
from gliofit.observation.outline_losses import LOSSES
from gliofit.synthetic.cohort import load_patient, make_patient


def rows_of(atlas: Tissue, folder: Path, seed: int, spacing: float) -> list[dict]:
    """One patient, by each loss."""
    if not (folder / "truth.json").is_file():
        make_patient(atlas, folder, seed, spacing)
    patient, density, truth = load_patient(folder, atlas)
    problem = patient_problem(patient, spacing)
    rows = []
    for measure in LOSSES:
        seen = replace(problem, target=problem.target.measured_by(measure, problem.tissue.spacing))
        before = process_time()
        fit = invert(seen.target, seen.tissue, "gauss_newton", uncertainty=False)
        about = {"seed": seed, "foci": len(truth.foci), "measure": measure, "cpu": process_time() - before}
        rows.append(about | fit_scores(patient.to_scan(fit.density, seen.tissue.affine), density, patient))
    return rows


def table(rows: pd.DataFrame) -> str:
    """Means by loss, and the errors where nothing is seen relative to the first loss's, patient by patient."""
    lines = [
        "| loss | N | core Dice | whole Dice | RMSE unseen | relative to `dice` (geometric mean) | lower | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    errors = rows.pivot(index="seed", columns="measure", values="rmse_unseen")
    for measure in LOSSES:
        r = rows[rows["measure"] == measure]
        ratio = np.log(errors[measure] / errors["dice"])
        spread = ratio.std() / np.sqrt(len(ratio))
        means = [f"{r[n].mean():.3f} ± {r[n].sem():.3f}" for n in ("dice_core", "dice_whole", "rmse_unseen")]
        relative = (
            f"{np.exp(ratio.mean()):.2f} ({np.exp(ratio.mean() - spread):.2f}–{np.exp(ratio.mean() + spread):.2f})"
        )
        lower = "" if measure == "dice" else f"{(ratio < 0).sum()} of {len(ratio)}"
        lines.append(f"| `{measure}` | {len(r)} | {' | '.join(means)} | {relative} | {lower} | {r['cpu'].mean():.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("atlas", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=16)
    parser.add_argument("--spacing", type=float, default=4.0)
    given = parser.parse_args()
    atlas = Tissue.from_nifti(*(given.atlas / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
    path = given.folder / "losses.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    done = {r["seed"] for r in rows}
    for seed in tqdm(range(given.number), desc="patients"):
        if seed not in done:
            rows += rows_of(atlas, given.folder / str(seed), seed, given.spacing)
            write_text(path, json.dumps(rows))
    print(table(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
