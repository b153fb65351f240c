"""
Recovery of γ from outlines alone: simulated tumours with mass effect, fitted with and without it.

    python benchmarks/mass_effect_recovery.py [--cases 30] [--rough 10] [--spacing 4] [--write] [--out FOLDER]

Origins in white matter of MNI152, (μ_D, μ_ρ) and γ drawn so that the whole tumour has 20 to 150 ml; core and whole
outlines at densities 0.6 and 0.2, which the fits do not know. Every fifth truth is grown on 3 mm, so that fits have
another discretisation than what they explain. The fit with mass effect has all six unknowns, begins where the one
without has ended, with γ = 8 kPa, and takes carried derivatives (`growth.models.mass_effect`). For comparison a tumour
that does not push, of the same θ and outlined likewise, is fitted without mass effect.

The first `--rough` of them are seen once more, with outlines as rough as real ones (`synthetic.rough_outlines`). There
both fits are `gauss_newton`'s own.

Writes FOLDER/mass_effect_recovery.json and …_rough.json after every tumour, and goes on where an earlier call has
stopped; with --write the tables and the picture go into docs/mass_effect.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import matplotlib
import numpy as np
from pages import DOCS, put

from gliofit import SegmentationTarget, Tissue, growth_model, invert
from gliofit.anatomy.atlas import load_mni152
from gliofit.base import grids
from gliofit.base.files import write_text
from gliofit.base.overlap import dice
from gliofit.inversion.fit import Fit
from gliofit.synthetic.rough_outlines import CORE, WHOLE, rough

SEED = 2026

TOLERANCE = 1e-3
"""Relative, of fits without mass effect and of patients: losses of neighbouring runs differ by about as much."""

PRECISELY = {"tolerance": 3e-4, "iterations": 25}
"""Of the fits with mass effect here, whose outlines have no other error than the solver's own."""

START = 8.0
"""kPa."""

VISIBLE_ML = (20.0, 150.0)

THRESHOLDS = (0.6, 0.2)

OTHER, FINER_MM = 5, 3.0
"""Every how manyth truth is grown on another grid, and its spacing."""

PUSHED = ("without", "with")
"""Mass effect, fits of tumours that push."""

KINDS = {
    "plain": "no push, without mass effect",
    "without": "push, without mass effect",
    "with": "push, with mass effect",
}
"""Kind of a tumour and its fit → words."""


def drawn(tissue, count: int):
    """Values of simulated tumours."""
    rng = np.random.default_rng(SEED)
    places = tissue.to_world(np.argwhere(tissue.wm > 0.8))
    while count:
        values = [*places[rng.integers(len(places))], rng.uniform(3, 9), rng.uniform(2.2, 4.5), rng.uniform(4, 20)]
        plain = growth_model().simulate(tissue, values[:5], threads=1)
        if not VISIBLE_ML[0] < (plain > 0.2).sum() * np.prod(tissue.spacing) / 1000 < VISIBLE_ML[1]:
            continue
        count -= 1
        yield np.array(values)


def start_from(fit: Fit, gamma: float | None = None) -> np.ndarray:
    """Values and extras that a fit with mass effect begins with: those of the fit without, and a γ (or its start)."""
    made = growth_model("mass_effect")
    gamma = made.start[made.names.index("gamma")] if gamma is None else gamma
    values = made.values_of(fit.parameters | {"gamma": gamma})
    return np.concatenate([values, list(fit.extras.values())])


def grown(tissue: Tissue, values: np.ndarray, spacing: float) -> np.ndarray:
    """A tumour with mass effect on a grid of some spacing, as seen on the tissue's."""
    on = tissue if spacing == tissue.spacing.max() else load_mni152(2).tissue.working_grid(spacing)
    density = growth_model("mass_effect").simulate(on, values, threads=1)
    return density if on is tissue else grids.resample(density, on.affine, tissue.shape, tissue.affine)


def outlined(tissue: Tissue, density: np.ndarray, seed: int | None) -> SegmentationTarget:
    """Outlines of core and whole tumour; as rough as real ones, if there is a seed."""
    core, whole = (density > t for t in THRESHOLDS)
    if seed is not None:
        rng = np.random.default_rng([SEED, seed])
        core, whole = rough(core, tissue, CORE, rng), rough(whole, tissue, WHOLE, rng)
        whole |= core
    return SegmentationTarget(core.astype(np.float32), whole.astype(np.float32))


def fitted(tissue: Tissue, density: np.ndarray, target: SegmentationTarget, model, **settings) -> tuple[Fit, dict]:
    """A fit, and how good it is."""
    begun = time.process_time()
    fit = invert(target, tissue, "gauss_newton", model=model, threads=1, uncertainty=False, **settings)
    error = np.sqrt(np.mean((fit.density - density)[tissue.brain] ** 2))
    scores = {
        name: dice(fit.density > fit.extras[f"threshold_{name}"], outline > 0.5)
        for name, outline in (("core", target.core), ("whole", target.whole))
    }
    return fit, {
        "values": list(fit.parameters.values()), "loss": fit.loss, "evaluations": fit.evaluations,
        "rmse": float(error), "dice": scores, "cpu_seconds": time.process_time() - begun,
    }  # fmt: skip


def plain(tissue: Tissue, values: np.ndarray, spacing: float, seed: int | None) -> dict:
    """A tumour that does not push, fitted without mass effect."""
    density = grown(tissue, np.array([*values[:5], 0.0]), spacing)
    return fitted(tissue, density, outlined(tissue, density, seed), growth_model(), tolerance=TOLERANCE)[1]


def studied(tissue: Tissue, values: np.ndarray, spacing: float, seed: int | None) -> dict:
    """A tumour that pushes, fitted with and without mass effect."""
    density = grown(tissue, values, spacing)
    target = outlined(tissue, density, seed)
    entry: dict = {"truth": values.tolist(), "spacing": spacing, "ml": float((density > 0.2).sum() * 0.001)}
    entry["ml"] *= float(np.prod(tissue.spacing))
    fit, entry["without"] = fitted(tissue, density, target, growth_model(), tolerance=TOLERANCE)
    if seed is None:
        model, start = growth_model("mass_effect", derivatives="carried"), start_from(fit, START)
        entry["with"] = fitted(tissue, density, target, model, start=start, **PRECISELY)[1]
    else:
        fit, entry["with"] = fitted(tissue, density, target, growth_model("mass_effect"), tolerance=TOLERANCE)
        entry["searches"] = fit.details["searches"]
    return entry


def study(tissue: Tissue, cases: int, path: Path, roughly: bool, coarsest: float) -> list[dict]:
    """Of all tumours, those that an earlier call has left aside."""
    entries = json.loads(path.read_text()) if path.exists() else []
    for number, values in enumerate(drawn(tissue, cases)):
        spacing = FINER_MM if number % OTHER == OTHER - 1 else coarsest
        seed = number if roughly else None
        if number == len(entries):
            entries.append(studied(tissue, values, spacing, seed))
            print(f"{number + 1}: γ {values[5]:.1f} → {entries[-1]['with']['values'][5]:.1f}", flush=True)
        if "plain" not in entries[number]:
            entries[number]["plain"] = plain(tissue, values, spacing, seed)
            write_text(path, json.dumps(entries, indent=1))
    return entries[:cases]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--rough", type=int, default=0, help="how many are also seen by rough outlines")
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--write", action="store_true", help="tables and picture, to docs/mass_effect.md")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    options = parser.parse_args()
    tissue = load_mni152(2).tissue.working_grid(options.spacing)
    path = options.out / "mass_effect_recovery.json"
    entries = study(tissue, options.cases, path, False, options.spacing)
    lines = table(entries, apart=True)
    lines[-1:] = ["", "![γ found, and what ignoring mass effect costs](images/mass_effect_recovery.png)", ""]
    print("\n".join(lines))
    if options.write:
        drawing(entries, DOCS / "images" / "mass_effect_recovery.png")
        put("mass_effect.md", "recovery of mass effect", lines)
    if options.rough:
        path = path.with_name("mass_effect_recovery_rough.json")
        lines = table(study(tissue, options.rough, path, True, options.spacing), apart=False)
        print("\n".join(lines))
        if options.write:
            put("mass_effect.md", "recovery from rough outlines", lines)


def errors(entries: list[dict], kind: str) -> dict[str, np.ndarray]:
    """Of each tumour's fit, by name of the table's columns."""
    truth = np.array([e["truth"] for e in entries])
    found = np.array([e[kind]["values"] for e in entries])
    out = {"origin, mm": np.linalg.norm(found[:, :3] - truth[:, :3], axis=1)}
    for place, name in ((3, "μ_D, %"), (4, "μ_ρ, %"), (5, "γ, %")):
        known = place < found.shape[1]
        out[name] = 100 * np.abs(found[:, place] / truth[:, place] - 1) if known else np.full(len(truth), np.nan)
    out["RMSE, 10⁻²"] = 100 * np.array([e[kind]["rmse"] for e in entries])
    for name in ("core", "whole"):
        out[f"Dice, {name}"] = np.array([e[kind]["dice"][name] for e in entries])
    out["CPU s"] = np.array([e[kind]["cpu_seconds"] for e in entries])
    return out


def cell(values: np.ndarray, digits: int) -> str:
    """Median and quartiles."""
    if np.isnan(values).any():
        return "–"
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def table(entries: list[dict], apart: bool) -> list[str]:
    """Medians, in Markdown; `apart` for each spacing of truths."""
    spacings = sorted({e["spacing"] for e in entries}, reverse=True)
    groups = {f"truth on {s:g} mm": [e for e in entries if e["spacing"] == s] for s in spacings}
    names = list(errors(entries, "with"))
    names_of = " | ".join(names)
    lines = ["", f"| {len(entries)} tumours, median (quartiles) | N | {names_of} |", "|---|" + "--:|" * 9]
    for group, own in groups.items() if apart else [("rough outlines", entries)]:
        for kind in KINDS:
            row = [cell(v, 3 if "Dice" in n else 1 if "CPU" not in n else 0) for n, v in errors(own, kind).items()]
            lines.append(f"| {group}: {KINDS[kind]} | {len(own)} | {' | '.join(row)} |")
    gamma = errors(entries, "with")["γ, %"]
    rng = np.random.default_rng(SEED)
    again = np.median(rng.choice(gamma, (4000, len(gamma))), axis=1)
    low, high = np.percentile(again, [2.5, 97.5])
    near = int((gamma <= 20).sum())
    lines += [
        "",
        f"Of all {len(entries)}, γ̂ is within {np.median(gamma):.0f} % of γ in the median (95 % by resampling:",
    ]
    lines += [f"{low:.0f} to {high:.0f} %), and within 20 % in {near}.", ""]
    if not apart:
        lines += ["| γ | γ̂ | loss without → with | lower by, % |", "|--:|--:|---|--:|"]
        for e in entries:
            before, after = e["without"]["loss"], e["with"]["loss"]
            gammas = f"{e['truth'][5]:.1f} | {e['with']['values'][5]:.1f}"
            lines.append(f"| {gammas} | {before:.4f} → {after:.4f} | {100 * (1 - after / before):.1f} |")
        lines.append("")
    return lines


def drawing(entries: list[dict], path: Path) -> None:
    """γ̂ over γ, and errors of the density without and with mass effect."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FixedLocator, NullFormatter

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
    for spacing, marker in ((s, m) for s, m in zip(sorted({e["spacing"] for e in entries}), "^o", strict=False)):
        own = [e for e in entries if e["spacing"] == spacing]
        truth = [e["truth"][5] for e in own]
        left.plot(truth, [e["with"]["values"][5] for e in own], marker, label=f"truth on {spacing:g} mm", alpha=0.8)
        right.loglog(*([100 * e[kind]["rmse"] for e in own] for kind in PUSHED), marker, alpha=0.8)
    line = np.array([3.0, 21.0])
    left.fill_between(line, 0.8 * line, 1.2 * line, color="0.9", label="within 20 %")
    left.plot(line, line, "0.5", lw=1)
    left.set(xlabel="γ, kPa", ylabel="γ found, kPa", xlim=line)
    left.legend(frameon=False)
    ends = np.array([right.get_xlim(), right.get_ylim()])
    ends = np.array([ends.min(), ends.max()])
    right.plot(ends, ends, "0.5", lw=1)
    right.set(xlabel="RMSE of density, 10⁻², fit without mass effect", ylabel="RMSE of density, 10⁻², fit with it")
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_locator(FixedLocator([0.2, 0.5, 1, 2, 5]))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
