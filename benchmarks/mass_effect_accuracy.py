"""
How far runs with mass effect are from what many more solves lead to.

    python benchmarks/mass_effect_accuracy.py [--cases 14] [--write]

Tumours in MNI152 at 4 and 2 mm: origins in white matter, μ_D of 2.5 to 25, μ_ρ of 1.5 to 5.5, γ of 4 to 20 kPa, 5 to
250 ml without a push. Each is run as it is, and with a quarter of the steps, a solve in each pair of them to 10⁻⁴, and
the whole brain carried in each. Errors are relative, root of sums of squares. With --write the table goes into
docs/mass_effect.md.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from pages import put

from gliofit import growth_model
from gliofit.anatomy.atlas import load_mni152
from gliofit.anatomy.tissue import Tissue
from gliofit.growth.mass_effect import near, simulate
from gliofit.growth.mass_effect.medium import SCREENING_MM, C, Medium

SEED, MOST = 5, 10**6


def tumours(tissue: Tissue, number: int) -> list[simulate.Values]:
    """Values of as many."""
    rng, white, found = np.random.default_rng(SEED), tissue.to_world(np.argwhere(tissue.wm > 0.7)), []
    plain = growth_model()
    while len(found) < number:
        at = white[rng.integers(len(white))]
        mu_D, mu_rho = np.exp(rng.uniform(np.log([2.5, 1.5]), np.log([25.0, 5.5])))
        gamma = rng.uniform(4e3, 20e3)
        density = plain.simulate(tissue, [*at, mu_D, mu_rho])
        if 5 < (density > 0.2).sum() * np.prod(tissue.spacing) / 1000 < 250:
            found.append(simulate.Values(tuple(at), mu_D, mu_rho, gamma))
    return found


def off(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def refined(tissue: Tissue, medium: Medium, values: simulate.Values):
    """What many more solves lead to, everywhere."""
    kept = near.AROUND_MM, near.AT_LEAST_MM, simulate.EVERYWHERE
    near.AROUND_MM, near.AT_LEAST_MM, simulate.EVERYWHERE = 1e3, 1e2, 1
    try:
        return simulate.run(tissue, medium, values, refine=4.0, pairs=MOST, tolerance=1e-4)[0]
    finally:
        near.AROUND_MM, near.AT_LEAST_MM, simulate.EVERYWHERE = kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--cases", type=int, default=14, help="tumours")
    parser.add_argument("--write", action="store_true", help="the table, to docs/mass_effect.md")
    options = parser.parse_args()
    lines = ["", "| spacing, mm | μ_D, μ_ρ, γ | ml | solves | density, % | displacement, % | mass, % | CPU s |"]
    lines += ["|--:|---|" + "--:|" * 6]
    for spacing in (4.0, 2.0):
        tissue = load_mni152(2).tissue.working_grid(spacing)
        medium, rows = Medium.of(tissue, SCREENING_MM), []
        for values in tumours(tissue, options.cases):
            truth, report = refined(tissue, medium, values), simulate.Report()
            begun = time.process_time()
            (tumour,) = simulate.run(tissue, medium, values, report=report)
            took = time.process_time() - begun
            c, true, u = tumour.state[C], truth.state[C], 100 * off(tumour.u, truth.u)
            size = (true > 0.2).sum() * np.prod(tissue.spacing) / 1000
            mass = c.sum(dtype=float) / true.sum(dtype=float) - 1
            rows.append((size, len(report.iterations), 100 * off(c, true), u, 100 * mass, took))
            theta = f"{values.mu_D:.1f}, {values.mu_rho:.1f}, {values.gamma / 1000:.0f}"
            number = "{:.0f} | {:.0f} | {:.1f} | {:.1f} | {:+.1f} | {:.2f}"
            lines.append(f"| {spacing:g} | {theta} | {number.format(*rows[-1])} |")
            print(lines[-1], flush=True)
        lines.append(f"| {spacing:g} | median | {number.format(*np.median(rows, axis=0))} |")
        print(lines[-1], flush=True)
    if options.write:
        put("mass_effect.md", "accuracy of mass effect", [*lines, ""])


if __name__ == "__main__":
    main()
