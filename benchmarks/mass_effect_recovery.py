"""
Recovery of γ from outlines alone: simulated tumours with mass effect, fitted with and without it.

    python benchmarks/mass_effect_recovery.py [--cases 30] [--spacing 4] [--gammas 3 8 13 18] [--write] [--out FOLDER]

Origins in white matter of MNI152, (μ_D, μ_ρ) and γ drawn so that the whole tumour has 20 to 150 ml; core and whole
outlines at densities 0.6 and 0.2, which the fits do not know. With mass effect all else is fitted for each of some γ,
from where the fit without (the first) or that of the γ before has ended: derivatives by γ are rough, and a search that
follows them ends near where it began. γ̂ is where a parabola through the lowest of these losses and its neighbours is
least. Writes FOLDER/mass_effect_recovery.json after every tumour, and goes on where an earlier call has stopped; with
--write the table goes into docs/mass_effect.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pages import put

from gliofit import SegmentationTarget, growth_model, invert
from gliofit.anatomy.atlas import load_mni152
from gliofit.base.files import write_text
from gliofit.growth.model import GrowthModel
from gliofit.inversion.fit import Fit

SEED = 2026

TOLERANCE = 1e-3
"""Relative, of all fits: the loss changes from one run to the next by about as much."""

VISIBLE_ML = (20.0, 150.0)

GAMMAS = (3.0, 8.0, 13.0, 18.0)
"""kPa."""


class Known(GrowthModel):
    """
    Mass effect with a γ that is known.

    Parameters
    ----------
    gamma : float
        kPa.
    """

    name = "mass_effect_of_known_gamma"
    title = "Mass effect, γ known"
    constants = MappingProxyType({})

    def __init__(self, gamma: float = 12.0):
        self.gamma, self.whole = gamma, growth_model("mass_effect")
        self.parameters = self.whole.parameters[:-1]

    def simulate(self, tissue, values, *, jacobian: bool = False, threads: int | None = None) -> Any:
        found = self.whole.simulate(tissue, [*self.checked(values), self.gamma], jacobian=jacobian, threads=threads)
        return (found[0], found[1][:-1]) if jacobian else found


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


def start_from(fit: Fit) -> np.ndarray:
    """Values and extras that a fit with mass effect begins with: those of the fit without, γ at its start."""
    made = growth_model("mass_effect")
    values = made.values_of(fit.parameters | {"gamma": made.start[made.names.index("gamma")]})
    return np.concatenate([values, list(fit.extras.values())])


def lowest(gammas: np.ndarray, losses: np.ndarray) -> float:
    """Where a parabola through the lowest loss and its neighbours is least; within the γ that were tried."""
    at = int(np.clip(np.argmin(losses), 1, len(gammas) - 2))
    square, slope, _ = np.polyfit(gammas[at - 1 : at + 2], losses[at - 1 : at + 2], 2)
    least = -slope / (2 * square) if square > 0 else gammas[np.argmin(losses)]
    return float(np.clip(least, gammas[0], gammas[-1]))


def studied(tissue, values: np.ndarray, gammas: tuple[float, ...]) -> dict:
    """A tumour, fitted without mass effect and for each γ."""
    density = growth_model("mass_effect").simulate(tissue, values, threads=1)
    target = SegmentationTarget(*((density > t).astype(np.float32) for t in (0.6, 0.2)))
    entry: dict = {"truth": values.tolist()}

    def fitted(model, **settings) -> tuple[Fit, dict]:
        begun = time.process_time()
        how = {"uncertainty": False, "tolerance": TOLERANCE, **settings}
        fit = invert(target, tissue, "gauss_newton", model=model, threads=1, **how)
        found = {"values": list(fit.parameters.values()), "loss": fit.loss, "evaluations": fit.evaluations}
        found["mse"] = float(np.mean((fit.density - density) ** 2))
        return fit, found | {"cpu_seconds": time.process_time() - begun}

    fit, entry["without"] = fitted("fisher_kolmogorov")
    entry["profile"] = []
    for gamma in gammas:
        start = np.array([*fit.parameters.values(), *fit.extras.values()])
        fit, found = fitted(Known(gamma), start=start)
        entry["profile"].append({"gamma": gamma, **found})
        print(f"γ {values[5]:.1f}, tried {gamma:g}: loss {found['loss']:.4f}, {found['cpu_seconds']:.0f} s", flush=True)
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--gammas", type=float, nargs="+", default=GAMMAS, help="kPa, ascending")
    parser.add_argument("--write", action="store_true", help="the table, to docs/mass_effect.md")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    options = parser.parse_args()
    tissue, path = load_mni152(2).tissue.working_grid(options.spacing), options.out / "mass_effect_recovery.json"
    entries = json.loads(path.read_text()) if path.exists() else []
    for number, values in enumerate(drawn(tissue, options.cases)):
        if number >= len(entries):
            entries.append(studied(tissue, values, tuple(options.gammas)))
            write_text(path, json.dumps(entries, indent=1))
            if options.write:
                put("mass_effect.md", "recovery of mass effect", table(entries))
    print("\n".join(table(entries)))


def table(entries: list[dict]) -> list[str]:
    """Medians over all tumours, in Markdown."""
    truth = np.array([e["truth"] for e in entries])
    gammas = np.array([p["gamma"] for p in entries[0]["profile"]])
    losses = np.array([[p["loss"] for p in e["profile"]] for e in entries])
    near = [int(np.argmin(of)) for of in losses]
    rows: list[tuple[str, list[dict], np.ndarray]] = [
        ("without mass effect", [e["without"] for e in entries], np.full(len(entries), np.nan)),
        (
            "with, at the γ of lowest loss",
            [e["profile"][k] for e, k in zip(entries, near, strict=True)],
            np.array([lowest(gammas, of) for of in losses]),
        ),
    ]
    lines = [
        "",
        f"| {len(entries)} tumours, medians | origin, mm | μ_D, % | μ_ρ, % | γ, % | MSE, 10⁻⁴ | loss | CPU s |",
    ]
    lines.append("|---|" + "--:|" * 7)
    for title, fits, found in rows:
        values = np.array([f["values"][:5] for f in fits])
        origin = np.linalg.norm(values[:, :3] - truth[:, :3], axis=1)
        others = 100 * np.abs(np.column_stack([values[:, 3:], found]) / truth[:, 3:] - 1)
        mse, loss = (np.array([f[key] for f in fits]) for key in ("mse", "loss"))
        middle = np.median(np.column_stack([origin, others, 1e4 * mse]), axis=0)
        cells = ["–" if np.isnan(v) else f"{v:.1f}" for v in middle] + [f"{np.median(loss):.4f}"]
        one = title.startswith("without")
        cpu = [
            e["without"]["cpu_seconds"] + (0 if one else sum(p["cpu_seconds"] for p in e["profile"])) for e in entries
        ]
        lines.append(f"| {title} | {' | '.join(cells)} | {np.median(cpu):.0f} |")
    rises = 100 * (losses.max(1) / losses.min(1) - 1)
    by_tumour = "; ".join(f"{t[5]:.1f} → {g:.1f}" for t, g in zip(truth, rows[1][2], strict=True))
    tried = ", ".join(f"{g:g}" for g in gammas)
    lines += ["", f"γ, true → found, kPa: {by_tumour}. The highest loss of the γ tried ({tried} kPa)"]
    lines += [f"is {np.median(rises):.0f} % above the lowest (median; {rises.min():.0f} to {rises.max():.0f} %).", ""]
    return lines


if __name__ == "__main__":
    main()
