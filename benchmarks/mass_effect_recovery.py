"""
Recovery of γ from outlines alone: simulated tumours with mass effect, fitted with and without it.

    python benchmarks/mass_effect_recovery.py [--cases 30] [--spacing 4] [--out FOLDER]

Origins in white matter of MNI152, (μ_D, μ_ρ) and γ drawn so that the whole tumour has 20 to 150 ml; core and whole
outlines at densities 0.6 and 0.2, which the fits do not know. Writes FOLDER/mass_effect_recovery.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gliofit import SegmentationTarget, growth_model, invert
from gliofit.anatomy.atlas import load_mni152
from gliofit.base.files import write_text

SEED = 2026
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    options = parser.parse_args()
    tissue, entries = load_mni152(2).tissue.working_grid(options.spacing), []
    for values, density in tqdm(drawn(tissue, options.cases), total=options.cases):
        target = SegmentationTarget(*((density > t).astype(np.float32) for t in (0.6, 0.2)))
        entry: dict = {"truth": values.tolist()}
        for name in ("fisher_kolmogorov", "mass_effect"):
            begun = time.process_time()
            fit = invert(target, tissue, "gauss_newton", model=name, threads=1, uncertainty=False)
            entry[name] = {
                "values": list(fit.parameters.values()),
                "loss": fit.loss,
                "mse": float(np.mean((fit.density - density) ** 2)),
                "cpu_seconds": time.process_time() - begun,
            }
        entries.append(entry)
        write_text(options.out / "mass_effect_recovery.json", json.dumps(entries, indent=1))
    truth = np.array([e["truth"] for e in entries])
    print("| fit | origin, mm | μ_D, % | μ_ρ, % | γ, % | MSE | CPU s |")
    for name in ("fisher_kolmogorov", "mass_effect"):
        found = np.array([[*e[name]["values"], np.nan][:6] for e in entries])
        origin = np.linalg.norm(found[:, :3] - truth[:, :3], axis=1)
        others = 100 * np.abs(found[:, 3:] / truth[:, 3:] - 1)
        middle = np.median(np.column_stack([origin, others]), axis=0)
        mse, cpu = (np.median([e[name][k] for e in entries]) for k in ("mse", "cpu_seconds"))
        print(f"| {name} | " + " | ".join(f"{v:.1f}" for v in middle) + f" | {mse:.1e} | {cpu:.0f} |")


if __name__ == "__main__":
    main()
