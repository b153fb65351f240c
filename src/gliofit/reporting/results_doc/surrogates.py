"""The surrogates alone: their errors on every set of test cases, and when they are faster than the solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gliofit.reporting.results_doc.run import Results
from gliofit.reporting.results_doc.words import ALIKE, faster, scientific, times
from gliofit.reporting.tables.markup import markdown_caption, markdown_rows
from gliofit.reporting.tables.tidy import layout_of, tabulate

PAPER_MSE = 1.8e-3
"""Of the paper's surrogate over its crop (Sec. 3.1)."""

BEST_MSE = 2.7e-4
"""The lowest published of a surrogate of this equation (Haouari et al. 2025, arXiv 2501.08226v2)."""

KINDS = {
    "ms_1": "a density",
    "ms_gradient_1": "a density with its derivatives",
    "ms_8": "each of eight densities at once",
    "ms_gradient_8": "each of eight densities with derivatives at once",
}
"""What is timed."""


def errors(results: Results) -> dict[str, pd.DataFrame]:
    """Tidy table of the surrogates' errors by set of test cases, indexed by surrogate and metric; ours comes first."""
    frame, pairs = results.forward, results.rows.errors
    names = sorted(dict.fromkeys(name for name, _ in pairs.values()), key=lambda name: name != "surrogate")
    tables = {}
    for cases in dict.fromkeys(cases for _, cases in pairs.values()):
        own = {row: name for row, (name, where) in pairs.items() if where == cases}
        here = frame[frame["method"].isin(own)]
        here = here.assign(method=here["method"].map(own))
        tidy = tabulate(here, names, layout_of("surrogate_error", ours=names[0]))
        tables[cases] = tidy.set_index(["method", "metric"])
    return tables


def accuracy(results: Results) -> list[str]:
    """The section on errors."""
    tables = errors(results)
    if not tables:
        return []
    lines, told = ["## The surrogate alone"], []
    for cases, tidy in tables.items():
        names = list(dict.fromkeys(tidy.index.get_level_values(0)))
        layout, titles = layout_of("surrogate_error", ours=names[0]), dict(zip(names, names, strict=True))
        lines += [f"Test cases of set {cases}:", markdown_rows(tidy.reset_index(), layout, titles)]
        told += [_against_others(name, cases, tidy) for name in names if cases != results.anatomy]
    # one caption, below the last, serves the tables of all sets
    return [*lines, markdown_caption(layout, titles), *["\n".join(told)] * bool(told)]


def _against_others(name: str, cases: str, tidy: pd.DataFrame) -> str:
    mse = tidy.loc[(name, "mse_crop")]
    return f"- {name} on {cases}: {scientific(mse['mean'], mse['se'])} over the crop, {beside_others(mse['mean'])}."


def beside_others(mse: float) -> str:
    """An error beside those published."""
    return f"{times(mse / PAPER_MSE)} the paper's and {times(mse / BEST_MSE)} the best published"


@dataclass(frozen=True)
class Race:
    """One kind of run by a surrogate and by the solver, in ms of a device."""

    surrogate: str
    device: str
    kind: str
    own: float
    solver: float

    @property
    def ratio(self) -> float:
        return self.solver / self.own


def races(results: Results) -> list[Race]:
    """Every run that was timed of both."""
    table = results.table("surrogate_time")
    found: list[Race] = []
    if table is None:
        return found
    rows = results.rows.times
    solvers = {device: row for row, (name, device) in rows.items() if name == "solver"}
    for row, (name, device) in rows.items():
        if name == "solver":
            continue
        for metric, words in KINDS.items():
            solver, own = (float(table.loc[(m, metric), "mean"]) for m in (solvers[device], row))
            if np.isfinite(solver * own):
                found.append(Race(name, device, words, own, solver))
    return found


def speed(results: Results) -> list[str]:
    """The section on times."""
    run = races(results)
    if not run:
        return []
    lines = [
        f"- {race.surrogate}, {race.device}: {race.kind} in {race.own:.3g} ms, the solver in {race.solver:.3g} ms – "
        f"{faster(race.ratio)}."
        for race in run
    ]
    gpu = "" if any(race.device == "cuda" for race in run) else " On a GPU nothing was measured."
    return [
        "## When the surrogate beats the solver",
        results.printed("surrogate_time"),
        "\n".join(lines),
        f"{verdict(run)}{gpu}",
    ]


def verdict(run: list[Race]) -> str:
    """When a surrogate wins."""
    wins = [f"{race.kind} on the {race.device.upper()} by {race.surrogate}" for race in run if race.ratio > ALIKE]
    if wins:
        return f"The surrogate beats the solver at: {'; '.join(wins)}."
    speed = "at best it is about as fast" if any(race.ratio >= 1 / ALIKE for race in run) else "it is slower"
    return f"The surrogate never beats the solver here, neither alone nor in a batch: {speed}, and it is less accurate."
