"""
docs/results.md: a run's tables beside the numbers that Weidner et al. 2026 published, and what follows from them.

Every number comes from the run's tables or from data/weidner2026.csv; sentences are chosen by the numbers.
"""

from __future__ import annotations

import json
import os
import platform
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from gliofit.errors import InputError
from gliofit.figures import style
from gliofit.files import write_text
from gliofit.metrics import COLUMNS, ITERATIONS
from gliofit.statistics import SIGNIFICANCE, signed_rank_test
from gliofit.tables.layout import STANDARD_PLAN
from gliofit.tables.published import beside, published

PAPER_FORWARD_MSE = 1.8e-3
"""Of the paper's surrogate over its crop (Sec. 3.1)."""

BEST_FORWARD_MSE = 2.7e-4
"""The lowest published of a surrogate of this equation (Haouari et al. 2025, arXiv 2501.08226v2)."""

KINDS = {
    "ms_1": "a density",
    "ms_gradient_1": "a density with its derivatives",
    "ms_8": "each of eight densities at once",
    "ms_gradient_8": "each of eight densities with derivatives at once",
}
"""What is timed."""


class Results:
    """
    The tables of a run.

    Parameters
    ----------
    folder : path
        results/, with tables/ and config.yaml.
    titles : dict of str → str
        Of the methods.
    """

    def __init__(self, folder: str | Path, titles: dict[str, str]):
        self.folder, self.titles = Path(folder), titles
        self.config = yaml.safe_load((self.folder / "config.yaml").read_text(encoding="utf-8"))
        self.anatomy = self.config["atlas"] if isinstance(self.config["atlas"], str) else "custom"

    def table(self, name: str) -> pd.DataFrame | None:
        """A tidy table, indexed by method and metric; None if the run has none of that name."""
        path = self.folder / "tables" / f"{name}.csv"
        if not path.is_file():
            return None
        return pd.read_csv(path).set_index(["method", "metric"])

    @cached_property
    def _metrics(self) -> pd.DataFrame:
        """Of the test cases."""
        path = self.folder / "metrics.csv"
        frame = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=list(COLUMNS))
        return frame[frame["set"] == self.anatomy]

    def cpu_seconds(self) -> dict[str, float]:
        """Mean processor time by method on the test cases, final solver run included."""
        frame = self._metrics[self._metrics["metric"] == "cpu_seconds"]
        return frame.groupby("method", sort=False)["value"].mean().to_dict()

    def by_case(self, method: str, metric: str) -> pd.Series:
        """A metric of a method's fits to the test cases, by case."""
        frame = self._metrics[(self._metrics["method"] == method) & (self._metrics["metric"] == metric)]
        return frame.set_index("case")["value"].astype(float)

    def plans(self) -> pd.DataFrame:
        """Scores of the plans for GliODIL's synthetic patients, single and multi-focal ones together."""
        path = self.folder / "gliodil_synthetic.csv"
        return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=list(COLUMNS))

    def required(self, name: str) -> pd.DataFrame:
        found = self.table(name)
        if found is None:
            raise InputError(f"{self.folder / 'tables' / name}.csv: no such file; run the pipeline first")
        return found


def write_page(results: Results, path: str | Path, pictures: dict[str, str | Path]) -> None:
    """
    Write the page, and its pictures into images/ beside it.

    Parameters
    ----------
    results : Results
    path : path
        Of the markdown file.
    pictures : dict of key → path
        PNG files shown at the end, made smaller for the page; keys of data/captions.json.
    """
    parts = [
        _opening(results), _forward(results), _speed(results), _fits(results), _parameters(results),
        _other_sets(results), _patients(results), _in_silico(results), _differences(results),
        _shown(Path(path), pictures),
    ]  # fmt: skip
    write_text(path, "\n\n".join(line for part in parts for line in part) + "\n")


def _opening(results: Results) -> list[str]:
    return [
        "# Results",
        "Made by `make results-doc` from the tables of a run; no number is typed by hand. “Paper” is Weidner et al. "
        "2026, whose numbers are kept in `src/gliofit/data/weidner2026.csv`; how the set-up differs is listed below.",
        f"Machine: {machine()}; one thread per job.",
    ]


def machine() -> str:
    """Processor, cores and system, without the host's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} logical cores, {platform.system()}"


def _forward(results: Results) -> list[str]:
    table = results.table("surrogate_error")
    if table is None:
        return []
    lines = ["## The surrogate alone", _plain(results, "surrogate_error")]
    for method in table.index.get_level_values(0).unique():
        mse = table.loc[(method, "mse_crop")]
        lines.append(
            f"- {_row_title(method)}: {mse['mean']:.2g} over the crop, {_than(mse['mean'], PAPER_FORWARD_MSE)} the "
            f"paper's {PAPER_FORWARD_MSE:.1e} and {_than(mse['mean'], BEST_FORWARD_MSE)} the best published "
            f"({BEST_FORWARD_MSE:.1e}, Haouari et al. 2025); {100 * table.loc[(method, 'mse_relative'), 'mean']:.2g} % "
            "of the error of predicting no tumour."
        )
    return [*lines[:2], "\n".join(lines[2:])]


def _speed(results: Results) -> list[str]:
    table = results.table("surrogate_time")
    if table is None:
        return []
    lines: list[str] = []
    wins: list[str] = []
    for method in table.index.get_level_values(0).unique():
        name, device = method.rsplit("_", 1)
        if name == "solver":
            continue
        for metric, words in KINDS.items():
            solver, own = (table.loc[(m, metric), "mean"] for m in (f"solver_{device}", method))
            if not np.isfinite(solver * own):
                continue
            ratio = float(solver / own)
            verdict = f"{ratio:.1f} times faster" if ratio > 1 else f"{1 / ratio:.1f} times slower"
            lines.append(f"- {name}, {device}: {words} in {own:.3g} ms, the solver in {solver:.3g} ms – {verdict}.")
            wins += [f"{words} on the {device.upper()} by {name}"] * (ratio > 1)
    honest = (
        f"The surrogate beats the solver at: {'; '.join(wins)}."
        if wins
        else "The surrogate never beats the solver here, neither alone nor in a batch: with a solver this fast, on "
        "this grid, it gives up accuracy and gains no time."
    )
    gpu = "" if any("cuda" in line for line in lines) else " On a GPU nothing was measured: none was to be had."
    return ["## When the surrogate beats the solver", _plain(results, "surrogate_time"), "\n".join(lines), honest + gpu]


def _fits(results: Results) -> list[str]:
    table = results.required("weidner_table2")
    lines = ["## Synthetic tumours (Table 2)", beside(table, 2, results.titles)]
    tests = results.config["test_cases"]
    for method, rows in table.groupby(level=0, sort=False):
        planned = min(tests["number"], tests["at_most"].get(method, tests["number"]))
        if rows["n"].max() < planned:
            lines.append(f"{results.titles[method]}: {rows['n'].max()} of {planned} planned cases have been run.")
    if "hybrid" in table.index.get_level_values(0):
        lines.append(_findings(results, table))
    return lines


def _findings(results: Results, table: pd.DataFrame) -> str:
    paper = published().query("table == 2").set_index(["method", "metric"])
    mse, ncc = table.loc[("hybrid", "mse")], table.loc[("hybrid", "ncc")]
    target, correlation = paper.loc[("hybrid", "mse"), "mean"], paper.loc[("hybrid", "ncc"), "mean"]
    lines = [
        f"- Hybrid: MSE {mse['mean']:.2g} (median {mse['median']:.2g}), {_than(mse['mean'], target)} the paper's "
        f"{target:.3g}; NCC {ncc['mean']:.4f}, {_than(ncc['mean'], correlation)} its {correlation:.3f}."
    ]
    for other in ("direct", "gb_surrogate", "cmaes_surrogate", "gauss_newton"):
        if (other, "mse") in table.index:
            found = table.loc[(other, "mse")]
            sure = "significantly" if found["p_value"] < SIGNIFICANCE else "not significantly"
            lines.append(
                f"- The hybrid's MSE is {_than(mse['mean'], found['mean'])} that of {results.titles[other]} "
                f"({found['mean']:.2g}), {sure} (paired t-test, p = {found['p_value']:.1g})."
            )
    lines += _hybrid_by_parts(results)
    cpu = results.cpu_seconds()
    timed = [m for m in cpu if (m, "minutes") in table.index]
    wall = {m: 60 * table.loc[(m, "minutes"), "mean"] for m in timed}
    if timed:
        listed = ", ".join(f"{results.titles[m]} {wall[m]:.2g} ({cpu[m]:.2g})" for m in timed)
        lines.append(
            "- Seconds per case by the clock, and in brackets of processor time with the final solver run (the clock's "
            f"are too large where other jobs share the cores): {listed}."
        )
    if "gauss_newton" in timed and "hybrid" in timed:
        exact = table.loc[("gauss_newton", "mse"), "median"]
        lines.append(
            f"- Gauss–Newton on the solver itself ends at a median MSE of {exact:.1g}, the hybrid at "
            f"{mse['median']:.1g}, in {cpu['gauss_newton'] / cpu['hybrid']:.2g} times the hybrid's processor time. "
            "These tumours are the same solver's on the same grid; docs/benchmarks.md has data of a finer one."
        )
    return "\n".join(lines)


def _hybrid_by_parts(results: Results) -> list[str]:
    """What the hybrid's two parts are good for: its start, and the correction that the paper's does not have."""
    lines = []
    corrected = results.by_case("hybrid", "corrected")
    if (corrected < 1).any():
        # a density's loss is its MSE, so that their ratio is that of the MSEs
        before = results.by_case("hybrid", "mse") / corrected
        told = [
            f"- Without the correction of the surrogate's error – the paper's hybrid – its MSE would be "
            f"{before.mean():.2g}: the correction lowers it to {corrected.median():.2g} times that in the median of "
            f"{len(corrected)} cases"
        ]
        gradient = results.by_case("gb_surrogate", "mse")
        if not gradient.empty:
            p, n = signed_rank_test(before, gradient)
            told.append(f"against GB surrogate's on the same {n} cases p = {p:.1g} without it (Wilcoxon)")
        lines.append("; ".join(told) + ".")
    parts = []
    for count in ITERATIONS:
        losses = [results.by_case(method, f"loss_after_{count}") for method in ("hybrid", "gb_surrogate")]
        ratio = (losses[0] / losses[1]).dropna()
        if len(ratio) > 1:
            p, _ = signed_rank_test(*losses)
            parts.append(f"after {count} iterations {ratio.median():.2g} times (p = {p:.1g}; N = {len(ratio)})")
    if parts:
        lines.append(
            "- The start that the direct prediction gives, by the loss on the surrogate over that of GB surrogate, "
            f"median: {', '.join(parts)}."
        )
    return lines


def _parameters(results: Results) -> list[str]:
    table = results.required("weidner_table1")
    return [
        "## Parameters (Table 1)",
        beside(table, 1, results.titles),
        "Medians:",
        beside(table, 1, results.titles, "median"),
        "The paper’s standard errors of origins are left out: they divide by √3 in place of √N.",
    ]


def _other_sets(results: Results) -> list[str]:
    titles = {
        "mni152": "Unseen anatomy (Table 2 on MNI152)",
        "sri24": "Unseen anatomy (Table 2 on SRI24)",
        "edge": "Parameters at the edges of the prior",
        "beyond": f"Parameters beyond the prior by {100 * results.config['test_cases']['beyond']:g} %",
    }
    lines = []
    for name, title in titles.items():
        if results.table(f"weidner_table2_{name}") is not None:
            lines += [f"## {title}", _plain(results, f"weidner_table2_{name}")]
    return lines


def _patients(results: Results) -> list[str]:
    table = results.table("weidner_table3")
    if table is None:
        return []
    made = Path(str(results.config.get("patients"))).name == "patients.tsv" and not results.config.get("brats_dir")
    note = "The patients of this run are the two in-silico ones of the repository, the paper's 75 real ones: the rows "
    note += "show that every method runs, not how they compare."
    return ["## Patients (Table 3)", *[note] * made, beside(table, 3, results.titles)]


def _in_silico(results: Results) -> list[str]:
    lines: list[str] = []
    for foci, words in {"single": "One focus", "multi": "Three foci"}.items():
        table = results.table(f"gliodil_synthetic_{foci}")
        if table is None:
            continue
        lines += [f"### {words}", _plain(results, f"gliodil_synthetic_{foci}")]
        found = []
        for method in table.index.get_level_values(0).unique().drop(STANDARD_PLAN):
            name, told = method.split("/")
            parts = []
            for margin in (15, 5):
                missed, better = (table.loc[(method, f"{kind}_{margin}")] for kind in ("missed", "better"))
                standard = table.loc[(STANDARD_PLAN, f"missed_{margin}"), "median"]
                parts.append(
                    f"at {margin} mm {missed['median']:.1e} of the unseen cells in the median (the standard plan "
                    f"{standard:.1e}), less than that in {100 * better['mean']:.0f} % of {missed['n']:.0f} patients "
                    f"(p = {missed['p_value']:.1g})"
                )
            data = {"mri": "outlines", "mri_pet": "outlines and FET-PET"}[told]
            found.append(f"- {results.titles[name]} from {data} misses {', '.join(parts)}.")
        lines.append("\n".join(found))
    if not lines:
        return []
    pooled = _pooled(results)
    return ["## Plans for GliODIL's synthetic patients", *lines, *["### All together", pooled] * bool(pooled)]


def _pooled(results: Results) -> str:
    """Whether plans miss less than the standard plan, on patients of both kinds."""
    frame = results.plans()
    if frame.empty:
        return ""
    values = frame.pivot_table(index=["set", "case"], columns=["method", "metric"], values="value")
    lines = []
    for method in frame["method"].drop_duplicates():
        if method == STANDARD_PLAN:
            continue
        name, told = method.split("/")
        parts = []
        for margin in (15, 5):
            ours, standard = (values[(m, f"missed_{margin}")] for m in (method, STANDARD_PLAN))
            p, n = signed_rank_test(ours, standard)
            parts.append(f"at {margin} mm less in {int((ours < standard).sum())} of {n} patients (p = {p:.1g})")
        data = {"mri": "outlines", "mri_pet": "outlines and FET-PET"}[told]
        lines.append(f"- {results.titles[name]} from {data} misses {', '.join(parts)}.")
    return "\n".join(["Against the standard plan of the same volume (Wilcoxon signed-rank test):", "", *lines])


def _differences(results: Results) -> list[str]:
    c = results.config
    ranges = c["prior"]
    tests = c["test_cases"]
    slow = ", ".join(f"{method}: {number}" for method, number in tests["at_most"].items())
    deformed = "; networks also see random deformations of it" if c["samples"].get("deformation_mm") else ""
    rows = [
        ("", "here", "paper"),
        ("grid", f"{round(128 / c['spacing'])}³ at {c['spacing']:g} mm (128 mm)", "128³ at 1 mm (128 mm)"),
        ("atlas", f"{results.anatomy}{deformed}", "one atlas (SRI24's space)"),
        (
            "prior",
            f"μ_D {ranges['mu_D'][0]:g}–{ranges['mu_D'][1]:g} mm, μ_ρ {ranges['mu_rho'][0]:g}–{ranges['mu_rho'][1]:g}, "
            f"visible volume {ranges['volume'][0]:g}–{ranges['volume'][1]:g} ml",
            "not published; training means 12.8 mm and 3.8",
        ),
        ("test cases", f"{tests['number']} ({slow})", "500 (cmaes_solver: 25)"),
        ("solver", "second order in time, no-flux faces, float32", "TumorGrowthToolkit, explicit Euler"),
        ("means over voxels", "integrals over the paper's 240×240×155 mm³", "240×240×155 voxels"),
        ("hardware", machine(), "Quadro RTX 8000, EPYC 7313"),
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---|---|---|")
    return [
        "## Where the set-up differs",
        "\n".join(lines),
        "So the MSE and NCC of equal tumours compare, and the tumours are not the same ones: a prior with smaller or "
        "sharper tumours has other errors. Runtimes are on a processor here and on a graphics card in the paper.",
    ]


def _shown(path: Path, pictures: dict[str, str | Path]) -> list[str]:
    captions = json.loads((resources.files("gliofit") / "data" / "captions.json").read_text(encoding="utf-8"))
    lines = ["## Figures"]
    for key, source in pictures.items():
        name = f"results_{key}.png"
        style.small_copy(source, path.parent / "images" / name)
        text = captions[key]
        lines += [f"![{text['alt']}](images/{name})", f"**{text['title']}.** {text['caption']}"]
    return lines


def _plain(results: Results, name: str) -> str:
    """The table as the run wrote it, its caption with it."""
    return (results.folder / "tables" / f"{name}.md").read_text(encoding="utf-8").strip()


def _row_title(method: str) -> str:
    name, cases = method.rsplit("_", 1)
    return f"{name} on {cases}"


def _than(value: float, other: float) -> str:
    """ "0.52 times" or "equal to", in words that read before "the paper's …"."""
    return f"{value / other:.2g} times" if value != other else "equal to"
