"""
Recovery of γ from outlines alone: simulated tumours with mass effect, fitted with and without it.

    python benchmarks/mass_effect_recovery.py [--cases 30] [--spacing 4] [--write] [--out FOLDER]

Origins in white matter of MNI152, (μ_D, μ_ρ) and γ drawn so that the whole tumour has 20 to 150 ml; core and whole
outlines at densities 0.6 and 0.2, which the fits do not know. A fit with mass effect begins where the one without has
ended, with γ at its start. Writes FOLDER/mass_effect_recovery.json after every tumour; with --write the table goes into
docs/mass_effect.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from pages import put
from tqdm import tqdm

from gliofit import SegmentationTarget, growth_model, invert
from gliofit.anatomy.atlas import load_mni152
from gliofit.base.files import write_text
from gliofit.inversion.fit import Fit

SEED = 2026

TOLERANCE = 1e-3
"""Relative, of both fits: the loss changes from one run to the next by about as much."""

VISIBLE_ML = (20.0, 150.0)


def drawn(tissue, count: int):
    """Values, density of simulated tumours."""
    rng, model = np.random.default_rng(SEED), growth_model("mass_effect")
    places = tissue.to_world(np.argwhere(tissue.wm > 0.8))
    while count:
        values = [*places[rng.integers(len(places))], rng.uniform(3, 9), rng.uniform(2.2, 4.5), rng.uniform(4, 20)]
        plain = growth_model().simulate(tissue, values[:5], threads=1)
        if not VISIBLE_ML[0] < (plain > 0.2).sum() * np.prod(tissue.spacing) / 1000 < VISIBLE_ML[1]:
            continue
        count -= 1
        yield np.array(values), model.simulate(tissue, values, threads=1)


def start_from(fit: Fit) -> np.ndarray:
    """Values and extras that a fit with mass effect begins with: those of the fit without, γ at its start."""
    made = growth_model("mass_effect")
    values = made.values_of(fit.parameters | {"gamma": made.start[made.names.index("gamma")]})
    return np.concatenate([values, list(fit.extras.values())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--write", action="store_true", help="the table, to docs/mass_effect.md")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    options = parser.parse_args()
    tissue, entries = load_mni152(2).tissue.working_grid(options.spacing), []
    for values, density in tqdm(drawn(tissue, options.cases), total=options.cases):
        target = SegmentationTarget(*((density > t).astype(np.float32) for t in (0.6, 0.2)))
        entry: dict = {"truth": values.tolist()}
        given: dict = {}
        for name in ("fisher_kolmogorov", "mass_effect"):
            begun = time.process_time()
            settings = {"uncertainty": False, "tolerance": TOLERANCE, **given}
            fit = invert(target, tissue, "gauss_newton", model=name, threads=1, **settings)
            entry[name] = {
                "values": list(fit.parameters.values()),
                "loss": fit.loss,
                "mse": float(np.mean((fit.density - density) ** 2)),
                "cpu_seconds": time.process_time() - begun,
            }
            given = {"start": start_from(fit)} if name == "fisher_kolmogorov" else {}
        entries.append(entry)
        write_text(options.out / "mass_effect_recovery.json", json.dumps(entries, indent=1))
    lines = table(entries)
    print("\n".join(lines))
    if options.write:
        put("mass_effect.md", "recovery of mass effect", lines)


def table(entries: list[dict]) -> list[str]:
    """Medians over all tumours, in Markdown."""
    truth = np.array([e["truth"] for e in entries])
    lines = ["", f"| {len(entries)} tumours, medians | origin, mm | μ_D, % | μ_ρ, % | γ, % | MSE, 10⁻⁴ | CPU s |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|")
    for name, title in (("fisher_kolmogorov", "without mass effect"), ("mass_effect", "with mass effect")):
        found = np.array([[*e[name]["values"], np.nan][:6] for e in entries])
        origin = np.linalg.norm(found[:, :3] - truth[:, :3], axis=1)
        others = 100 * np.abs(found[:, 3:] / truth[:, 3:] - 1)
        mse, cpu = (np.array([e[name][key] for e in entries]) for key in ("mse", "cpu_seconds"))
        middle = np.median(np.column_stack([origin, others, 1e4 * mse]), axis=0)
        cells = ["–" if np.isnan(v) else f"{v:.1f}" for v in middle]
        lines.append(f"| {title} | {' | '.join(cells)} | {np.median(cpu):.0f} |")
    return [*lines, ""]


if __name__ == "__main__":
    main()
