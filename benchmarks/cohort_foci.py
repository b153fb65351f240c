"""
The cohort without patients: how many foci `foci: auto` finds, and what that does where nothing is seen.

    python benchmarks/cohort_foci.py ATLAS FOLDER [--number 40] [--spacing 4] [--foci 2 --apart 20 | --gamma 12]

ATLAS has wm, gm and csf.nii.gz. FOLDER gets the patients and rows.json; a run goes on where the last one stopped. It
prints the tables of docs/cohort.md. `--foci` makes tumours of so many foci, `--apart` passes over those whose foci lie
nearer (mm). `--gamma` makes tumours of one focus that push, by so many kPa.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from tqdm import tqdm

from gliofit import Tissue, invert
from gliofit.base.files import write_text
from gliofit.evaluation.cohort_scores import APART_MM, fit_scores
from gliofit.evaluation.outline_shapes import shapes
from gliofit.inversion.foci import independent_patches
from gliofit.inversion.patient_problem import patient_problem
from gliofit.synthetic.cohort import load_patient, make_patient
from gliofit.synthetic.cohort_truth import draw

GROUPS = {
    "one focus": lambda r: (r["true"] == 1) & ~r["other_tensor"] & (r["gamma"] == 0),
    "one focus, other tensor": lambda r: (r["true"] == 1) & r["other_tensor"],
    "one focus that pushes": lambda r: r["gamma"] > 0,
    f"several, ≤ {APART_MM:g} mm apart": lambda r: (r["true"] > 1) & (r["apart"] <= APART_MM),
    f"several, > {APART_MM:g} mm apart": lambda r: (r["true"] > 1) & (r["apart"] > APART_MM),
    "all": lambda r: r["true"] > 0,
}


def row(atlas: Tissue, folder: Path, seed: int, given: argparse.Namespace) -> dict:
    """One patient, fitted with one focus and with as many as are found (or as many as are tried)."""
    spacing = given.spacing
    if not (folder / "truth.json").is_file():
        pushing = {"foci": 1, "other_tensor": 0.0, "gamma": given.gamma} if given.gamma else {"foci": given.foci}
        make_patient(atlas, folder, seed, spacing, **pushing)
    patient, density, truth = load_patient(folder, atlas)
    problem = patient_problem(patient, spacing)
    out = {"seed": seed, "true": len(truth.foci), "apart": truth.apart, "other_tensor": truth.other_tensor}
    out["gamma"] = given.gamma
    out |= shapes(patient.core, patient.whole, patient.tissue.spacing)
    out["patches"] = independent_patches(problem)
    for sought in (1, "auto"):
        before = process_time()
        model = {"name": "fisher_kolmogorov", "foci": sought}
        fit = invert(problem.target, problem.tissue, "gauss_newton", uncertainty=False, model=model)
        scores = fit_scores(patient.to_scan(fit.density, problem.tissue.affine), density, patient)
        scores |= {"cpu": process_time() - before, "loss": fit.loss}
        out |= {f"{name}_{sought}": value for name, value in scores.items()}
        if fit.foci:
            out["losses"], out["found"] = fit.foci["loss"], len(fit.origins)
    return out


def mean(values: pd.Series, digits: int = 3) -> str:
    """Mean ± standard error."""
    error = f" ± {values.std() / np.sqrt(len(values)):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{error}"


def by_group(rows: pd.DataFrame) -> str:
    """What a further focus does, by what the tumour grew from."""
    lines = [
        "| tumours | N | right number | k found | core, whole Dice: one focus | auto | RMSE unseen: one focus | auto |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, chosen in GROUPS.items():
        r = rows[chosen(rows)]
        if len(r):
            found = ", ".join(f"{k}: {n}" for k, n in r["found"].value_counts().sort_index().items())
            dice = [f"{mean(r[f'dice_core_{k}'])}, {mean(r[f'dice_whole_{k}'])}" for k in (1, "auto")]
            rmse = [mean(r[f"rmse_unseen_{k}"], 4) for k in (1, "auto")]
            cells = [name, len(r), f"{np.mean(r['found'] == r['true']):.0%}", found, *dice, *rmse]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def by_criterion(rows: pd.DataFrame) -> str:
    """The number of foci that a least drop of the loss alone would leave, of those that were tried."""
    lines = ["| the loss must fall to | k = 1 of one focus | right k, foci apart | mean k |", "|---|---|---|---|"]
    one, apart = rows["true"] == 1, (rows["true"] > 1) & (rows["apart"] > APART_MM)
    for share in (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5):
        kept = rows["losses"].map(lambda losses, s=share: kept_at(losses, s))
        right = kept == rows["true"]
        lines.append(f"| {share:.0%} | {right[one].mean():.0%} | {right[apart].mean():.0%} | {kept.mean():.2f} |")
    return "\n".join(lines)


def kept_at(losses: list[float], share: float) -> int:
    """Foci that are kept if each must bring the loss to `share` of what it was."""
    number = 1
    for before, after in pairwise(losses):
        if after > share * before:
            break
        number += 1
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("atlas", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--foci", type=int)
    parser.add_argument("--gamma", type=float, default=0.0)
    parser.add_argument("--apart", type=float, default=0.0)
    given = parser.parse_args()
    atlas = Tissue.from_nifti(*(given.atlas / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
    path = given.folder / "rows.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    done = {r["seed"] for r in rows}
    for seed in tqdm(range(given.first, given.first + given.number), desc="patients"):
        if seed not in done and (not given.apart or draw(atlas, seed, given.foci).apart > given.apart):
            rows.append(row(atlas, given.folder / str(seed), seed, given))
            write_text(path, json.dumps(rows))
    frame = pd.DataFrame(rows)
    print(by_group(frame), by_criterion(frame), sep="\n\n")


if __name__ == "__main__":
    main()
