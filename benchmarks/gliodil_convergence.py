"""
Adam beside L-BFGS on the discrete loss, from coarse to fine or on the fine grid alone: a table for docs/methods.md.

    python benchmarks/gliodil_convergence.py

The tumour is synthetic: two foci in the default atlas, seen as outlines at 2 mm.
"""

from __future__ import annotations

import numpy as np
from cases import brain
from pages import put

from gliofit import Problem, Theta, simulate
from gliofit.base.overlap import dice
from gliofit.growth import compile_kernels
from gliofit.inversion import invert
from gliofit.observation.segmentation import SegmentationTarget

RUNS = {
    "Adam, coarse to fine": {},
    "Adam, fine grid alone": {"iterations": (200,)},
    "L-BFGS, coarse to fine": {"optimiser": "lbfgs"},
    "L-BFGS, fine grid alone": {"optimiser": "lbfgs", "iterations": (200,)},
}
MOMENTS = (0.1, 0.25, 0.5, 1.0)


def two_foci() -> Problem:
    """Two tumours 25 mm apart in left frontal white matter, grown into one another; outlines at 0.6 and 0.25."""
    tissue = brain(2.0)
    weights = tissue.wm.copy()
    weights[: int(0.62 * tissue.shape[0])] = 0
    origin = tissue.centre_of_mass(weights)
    foci = [Theta(tuple(origin + shift), 6.0, 3.0) for shift in ((0, 12, 4), (0, -10, -6))]
    c = np.maximum(*(simulate(tissue, theta, threads=1) for theta in foci))
    return Problem(tissue, SegmentationTarget(*((c > t).astype(np.float32) for t in (0.6, 0.25))))


def main() -> None:
    compile_kernels()
    problem = two_foci()
    rows = []
    for name, settings in RUNS.items():
        fit = invert(problem.target, problem.tissue, "gliodil", cells=16, times=24, **settings)
        last = fit.history[-fit.details["iterations"][-1] :]
        losses = [last[max(int(share * len(last)) - 1, 0)] for share in MOMENTS]
        overlaps = (
            dice(fit.density > fit.extras[f"threshold_{name}"], getattr(problem.target, name) > 0.5)
            for name in ("core", "whole")
        )
        cells = [f"{fit.details['cpu_seconds']:.0f}", fit.evaluations]
        cells += [f"{value:.3g}" for value in losses] + [f"{value:.3f}" for value in overlaps]
        rows.append(f"| {name} | " + " | ".join(map(str, cells)) + " |")
        print(rows[-1], flush=True)
    shares = " | ".join(f"loss at {share:.0%}" for share in MOMENTS)
    table = [
        "Loss on the fine grid (16³ × 24) after shares of its iterations, and Dice at the end, of a synthetic tumour",
        "with two foci (`benchmarks/gliodil_convergence.py`, one thread):",
        "",
        f"| optimiser | CPU s | evaluations | {shares} | Dice core | Dice whole |",
        "|---|---|---|" + "---|" * (len(MOMENTS) + 2),
        *rows,
    ]
    put("methods.md", "gliodil convergence", table)


if __name__ == "__main__":
    main()
