"""docs/benchmarks.md and its figure, from what `test_solver.py` and `study.py` measured (--gpu: the last section)."""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import case_time
import matplotlib.pyplot as plt
import numpy as np
from cases import CASES, FOLDER

from gliofit.base.files import whole_file, write_text

DOCS = Path("docs")

PUBLISHED = {"256³, 1 mm, 300 d": ("GliomaSolver (C++, adaptive), measured earlier on such a machine", 9.8)}
"""Peers that are not run here, seconds; from the project's reference measurements."""


def load(name: str) -> dict | None:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def quantiles(values) -> str:
    low, middle, high = np.percentile(values, [0, 50, 100])
    return f"{middle:.2g} (from {low:.2g} to {high:.2g})"


def machine(timings: dict) -> str:
    cpu = timings["machine_info"]["cpu"].get("brand_raw", platform.processor())
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def speed(timings: dict) -> list[str]:
    lines = [
        "## Speed",
        "",
        "One forward run from nothing known of the tissue, and one with the Jacobian on a tissue that is known; "
        "medians of the session's rounds. TumorGrowthToolkit is not on PyPI: clone m1balcerak/TumorGrowthToolkit "
        "and call `PYTHONPATH=<its folder> make benchmark`; without it, or without JAX, our own figures stand alone.",
        "",
    ]
    lines += ["| case | solver | median, s | rounds | times the fastest of ours |", "|---|---|--:|--:|--:|"]
    for name in CASES:
        rows = [(b["extra_info"]["solver"], b["stats"]["median"], b["stats"]["rounds"])
                for b in timings["benchmarks"] if b["group"] == name]  # fmt: skip
        ours = min((t for s, t, _ in rows if s.startswith("gliofit,")), default=np.nan)
        if name in PUBLISHED:
            rows.append((*PUBLISHED[name], "–"))
        lines += [f"| {name} | {s} | {t:.4g} | {n} | {t / ours:.1f} |" for s, t, n in rows]
    batches = [b for b in timings["benchmarks"] if b["group"] == "batch"]
    if batches:
        lines += ["", "Many θ on one tissue (64³, 2 mm), one thread each:", ""]
        lines += ["| θ | processes | seconds a θ |", "|--:|--:|--:|"]
        for b in batches:
            size, workers = b["extra_info"]["size"], b["extra_info"]["workers"]
            lines.append(f"| {size} | {workers} | {b['stats']['median'] / size:.4f} |")
    return lines


def accuracy(study: dict) -> list[str]:
    lines = [
        "",
        "## Accuracy in time",
        "",
        "Against our run with 16 times shorter steps; for TumorGrowthToolkit this has the differences of its "
        "boundaries in it, too.",
        "",
    ]
    lines += ["| case | solver | mass error | max. difference |", "|---|---|--:|--:|"]
    for name, solvers in study["cases"].items():
        lines += [f"| {name} | {s} | {100 * e['mass']:+.2f} % | {e['max']:.4f} |" for s, e in solvers.items()]
    mass, largest = (np.abs([e[k] for e in study["prior"]]) for k in ("mass", "max"))
    lines += [
        "",
        f"Over {mass.size} θ of the default prior (SRI24, 2 mm): mass error {100 * np.median(mass):.2f} % in "
        f"the median, "
        f"{100 * mass.max():.2f} % at most; largest difference {np.median(largest):.4f} in the "
        f"median, {largest.max():.4f} at most.",
    ]
    return lines


def convergence(study: dict) -> list[str]:
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
    steps = np.array([e["steps"] for e in study["time"]])
    spacing = np.array([e["spacing"] for e in study["space"]])
    for axis, x, rows, label in ((axes[0], 1 / steps, study["time"], "1 / number of steps"),
                                 (axes[1], spacing, study["space"], "voxel, mm")):  # fmt: skip
        for key, marker, text in (("max", "o", "max |Δc|"), ("mass", "s", "|mass error|")):
            y = np.abs([e[key] for e in rows])
            axis.loglog(x, y, marker, color="#0072B2" if key == "max" else "#D55E00", label=text)
        y = np.array([e["max"] for e in rows])
        axis.loglog(x, y[-1] * (x / x[-1]) ** 2, "--", color="0.5", lw=1, label="second order")
        axis.set_xlabel(label)
        axis.set_xticks(x, [f"1/{round(1 / v)}" if v < 1 else f"{v:g}" for v in x])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("error")
    axes[0].legend(frameon=False)
    with whole_file(DOCS / "images" / "convergence.png") as part:
        figure.savefig(part, dpi=160, format="png")
    rows = [
        f"| {e['refine']:g} | {e['steps']} | {e['stages']} | {100 * e['mass']:+.3f} % | {e['max']:.1e} |"
        for e in study["time"]
    ]
    return [
        "", "## Convergence", "", "![Errors against step and voxel size](images/convergence.png)", "",
        "Left: steps (SRI24 at 2 mm, against 48 times as many). Right: voxels (smooth phantom, against 0.5 mm, "
        "compared on 4 mm).",
        "",
        "| refine | steps | stages | mass error | max. difference |",
        "|--:|--:|--:|--:|--:|", *rows,
    ]  # fmt: skip


def throughput(study: dict) -> list[str]:
    lines = [
        "",
        "## Throughput",
        "",
        "A stage reads three numbers a voxel and writes one, 16 bytes; with tangents (density and four tangents; the "
        "fifth follows from them) it is 64 bytes. Beside a plain copy of 256 MB.",
        "",
    ]
    lines += ["| case | threads | 10⁹ voxels/s | GB/s | share of the copy |", "|---|---|--:|--:|--:|"]
    for name, by_threads in study["cases"].items():
        for threads, e in by_threads.items():
            copy = study["copy"][threads.split(",")[0]]
            lines.append(
                f"| {name} | {threads} | {e['voxels_per_second'] / 1e9:.2f} | {e['gb_per_second']:.1f} "
                f"| {100 * e['gb_per_second'] / copy:.0f} % of {copy:.1f} |"
            )
    lines += [
        "",
        "Six fields, density and Jacobian, relative to the density alone (at most 3.5 was aimed at): the best times, "
        "median (and quartiles) of pairs run by turns, and what they would cost if their 64 bytes a voxel moved at the "
        "copy's speed:",
        "",
        "| case | threads | best times | pairs | N | at the copy's speed |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name, by_threads in study["cases"].items():
        for threads, copy in study["copy"].items():
            alone, six = by_threads[threads], by_threads[f"{threads}, with tangents"]
            rate, (low, median, high) = alone["voxels_per_second"], six["times_alone"]
            lines.append(
                f"| {name} | {threads} | {rate / six['voxels_per_second']:.2f} | {median:.2f} ({low:.2f}–{high:.2f}) "
                f"| {six['pairs']} | {64e-9 * rate / copy:.2f} |"
            )
    lines += [
        "",
        "Whole runs, set-up and output included. The rows in flight, of one field or of five, stay in a core's own "
        "cache from stage to stage (tiles); between that and the first-level cache, where each further field moves "
        "four lines in and one out for a block of 16 voxels, the Jacobian's pace is set. Only a step's first stage "
        "reads from the memory that all programs on the machine share; of five fields it takes more than twice as long "
        "as the others, so that the ratio is larger while others use that memory.",
    ]
    return lines


def inversion(study: dict) -> list[str]:
    lines = [
        "",
        "## Inversion of densities",
        "",
        "`gauss_newton` from the centre of mass, one thread, θ of the default prior on SRI24.",
        "",
    ]
    titles = {
        "same_grid": "2 mm, density from the same solver and grid",
        "finer_grid": "2 mm, density from a 1 mm run (no inverse crime)",
        "one_mm": "1 mm, same grid",
    }
    lines += [
        "| data | N | MSE: median | MSE: worst | below 1e-5 | CPU s: median | CPU s: worst |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for key, title in titles.items():
        if study[key]:
            mse, seconds = (np.array([e[k] for e in study[key]]) for k in ("mse", "cpu_seconds"))
            lines.append(
                f"| {title} | {mse.size} | {np.median(mse):.1e} | {mse.max():.1e} | {100 * np.mean(mse < 1e-5):.0f} % "
                f"| {np.median(seconds):.1f} | {seconds.max():.1f} |"
            )
    lines += [
        "",
        "| data | origin, mm: median | worst | μ_D: median | worst | μ_ρ: median | worst |",
        "|---|" + "--:|" * 6,
    ]
    for key, title in titles.items():
        if study[key]:
            errors = [[e["origin_error"] for e in study[key]]]
            errors += [[abs(e[mu][1] / e[mu][0] - 1) for e in study[key]] for mu in ("mu_D", "mu_rho")]
            cells = [
                f"{np.median(e):{form}} | {max(e):{form}}"
                for e, form in zip(errors, (".2f", ".1%", ".1%"), strict=True)
            ]
            lines.append(f"| {title} | {' | '.join(cells)} |")
    ratio = [e["mse"] / e["mse_at_truth"] for e in study["finer_grid"]]
    if ratio:
        lines += [
            "",
            "On data from the finer grid the residual is the grids' difference: "
            f"the loss found is {quantiles(ratio)} times "
            "the loss of the true θ (median and range).",
        ]
    return lines


def methods(study: dict) -> list[str]:
    number = len(next(iter(study.values()))["fits"])
    lines = [
        "",
        "## Every method on the same tumours",
        "",
        f"The first {number} of these θ, 2 mm, settings of the default config, released networks, one thread; means. "
        "MSE over the whole brain's grid; [results.md](results.md) has many more tumours.",
        "",
        "| method | MSE | CPU s | evaluations |",
        "|---|--:|--:|--:|",
    ]
    for name, found in study.items():
        mean = {k: np.mean([fit[k] for fit in found["fits"]]) for k in ("mse", "cpu_seconds", "evaluations")}
        lines.append(f"| `{name}` | {mean['mse']:.1e} | {mean['cpu_seconds']:.1f} | {mean['evaluations']:.0f} |")
    return lines


def patients(study: dict) -> list[str]:
    if not study:
        return []
    lines = [
        "",
        "## Segmentations of real patients",
        "",
        "2 mm, thresholds unknown, one thread; CMA-ES with at most 2,000 evaluations on the same loss.",
        "",
    ]
    lines += [
        "| patient | method | loss | Dice core | Dice whole | CPU s | evaluations |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for name, methods in study.items():
        for method, e in methods.items():
            lines.append(
                f"| {name} | {method} | {e['loss']:.4f} | {e['dice_core']:.3f} | {e['dice_whole']:.3f} "
                f"| {e['cpu_seconds']:.1f} | {e['evaluations']} |"
            )
    mean = {m: {k: np.mean([p[m][k] for p in study.values()]) for k in ("dice_core", "dice_whole", "cpu_seconds")}
            for m in ("gauss_newton", "cmaes_solver")}  # fmt: skip
    ours, theirs = mean["gauss_newton"], mean["cmaes_solver"]
    lines += [
        "",
        f"Means: Gauss–Newton {ours['dice_core']:.3f} and {ours['dice_whole']:.3f}, "
        f"CMA-ES {theirs['dice_core']:.3f} and "
        f"{theirs['dice_whole']:.3f}, in 1/{theirs['cpu_seconds'] / ours['cpu_seconds']:.0f} of the time.",
    ]
    for key, what in (("dice_core", "core"), ("dice_whole", "whole tumour")):
        gaps = [p["gauss_newton"][key] - p["cmaes_solver"][key] for p in study.values()]
        lines[-1] += f" By patient, Gauss–Newton's Dice less CMA-ES's, {what}: {min(gaps):+.4f} to {max(gaps):+.4f}."
    times = [p["cmaes_solver"]["cpu_seconds"] / p["gauss_newton"]["cpu_seconds"] for p in study.values()]
    lines[-1] += f" Times by patient: 1/{min(times):.0f} to 1/{max(times):.0f}."
    return lines


def gpu(study: dict) -> list[str]:
    lines = [
        f"{study['device']}; float32, 64³ at 2 mm, many θ at once.",
        "",
        "| θ | ms a θ | with Jacobian | max. difference from the CPU |",
        "|--:|--:|--:|--:|",
    ]
    for e in study["batches"]:
        lines.append(f"| {e['size']} | {e['forward_ms']:.2f} | {e['jacobian_ms']:.2f} | {e['difference']:.1e} |")
    made, network = study["shards"], study["surrogate"]
    return [
        *lines,
        "",
        f"Training data, {made['case']}: {made['seconds']:.2f} s a tumour (N = {made['number']}), so 28,000 take "
        f"{made['hours']:.1f} h.",
        "",
        f"A density with its gradient by the released surrogate ({'×'.join(map(str, network['shape']))}): "
        f"{network['surrogate_ms']:.1f} ms; one with its Jacobian by the solver: {network['solver_ms']:.1f} ms.",
    ]


def kept(title: str) -> list[str]:
    """A section as it stands: another command fills it, or nothing new was measured."""
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    begin = page.index(f"## {title}")
    return ["", page[begin:].split("\n## ")[0].rstrip()]


def gpu_section() -> list[str]:
    """The page's last section."""
    found = load("gpu")
    return ["", "## GPU", "", *gpu(found)] if found else kept("GPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu", action="store_true", help="the GPU's section alone; the others stay as they are")
    if parser.parse_args().gpu:
        page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
        before = page[: page.index("\n## GPU\n")]
        write_text(DOCS / "benchmarks.md", "\n".join([before, *gpu_section()[1:]]) + "\n")
        return
    timings = load("solver")
    lines = ["# Benchmarks", "", "Made by `make benchmark`; every number but GliomaSolver's is measured by it.", ""]
    if timings:
        lines += [f"Machine: {machine(timings)}.", "", *speed(timings)]
    for study in (accuracy, convergence, throughput, inversion, methods, patients):
        found = load(study.__name__)
        if found:
            lines += study(found)
        if study is throughput and (peak := load("memory")):
            lines += [
                "",
                f"Peak memory of a 128³ run above its inputs: {peak['forward']:.0f} MiB; "
                f"with the Jacobian {peak['jacobian']:.0f} MiB.",
            ]
    lines += kept("On idle cores and beside a busy program")
    found = load("case_time")
    lines += case_time.section(found) if found else kept("A case, from files to density")
    lines += gpu_section()
    write_text(DOCS / "benchmarks.md", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
