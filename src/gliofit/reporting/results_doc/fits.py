"""Tables 1 to 3 beside the paper's, and what follows from them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gliofit.evaluation.metrics import ITERATIONS
from gliofit.evaluation.statistics import signed_rank_test
from gliofit.reporting.results_doc.run import Results
from gliofit.reporting.results_doc.words import count, level, significance, times
from gliofit.reporting.tables.published import beside, published


def other_sets(results: Results) -> dict[str, str]:
    """Titles of the sets of test cases beside the anatomy's own, of those that were run."""
    titles = {
        "mni152": "Unseen anatomy (Table 2 on MNI152)",
        "sri24": "Unseen anatomy (Table 2 on SRI24)",
        "edge": "Parameters at the edges of the prior",
        "beyond": f"Parameters beyond the prior by {100 * results.config['test_cases']['beyond']:g} %",
    }
    return {name: title for name, title in titles.items() if results.table((2, name)) is not None}


def synthetic(results: Results) -> list[str]:
    """Table 2."""
    table = results.required(2)
    lines = ["## Synthetic tumours (Table 2)", beside(table, 2, results.titles, cases=results.anatomy)]
    for method, rows in table.groupby(level=0, sort=False):
        planned = results.planned(method)
        if rows["n"].max() < planned:
            lines.append(f"{results.titles[method]}: {rows['n'].max()} of {planned} planned cases have been run.")
    found = [*_comparisons(results, table), *_hybrid_by_parts(results), *_times(results, table)]
    return [*lines, *["\n".join(found)] * bool(found)]


def _comparisons(results: Results, table: pd.DataFrame) -> list[str]:
    """The hybrid against methods that the summary does not set it against."""
    lines = []
    for other in ("cmaes_surrogate", "gauss_newton"):
        if all((method, "mse") in table.index and table.loc[(method, "mse"), "n"] for method in ("hybrid", other)):
            ratio, common = results.against("hybrid", other)
            found = table.loc[(other, "mse")]
            lines.append(
                f"- The hybrid's MSE is {times(ratio)} that of {results.titles[other]} on their {common} common cases, "
                f"{significance(found['p_value'])}."
            )
    if not results.by_case("gauss_newton", "mse").empty:
        lines.append(
            "- Gauss–Newton's errors are this small because the tumours are the same solver's on the same grid; "
            "docs/benchmarks.md has data of a finer one."
        )
    return lines


def _hybrid_by_parts(results: Results) -> list[str]:
    """What the hybrid's two parts are good for: its start, and the correction that the paper's does not have."""
    lines = []
    before = uncorrected(results)
    if not before.empty:
        lowered = results.by_case("hybrid", "corrected")
        told = (
            "- The correction of the surrogate's error, which the paper's hybrid does not have, lowers the MSE to "
            f"{times(lowered.median())} what it was in the median of {len(lowered)} cases"
        )
        gradient = results.by_case("gb_surrogate", "mse")
        if not gradient.empty:
            p, n = signed_rank_test(before, gradient)
            told += f"; without it, against GB surrogate's on the same {n} cases {level(p)} (Wilcoxon)"
        lines.append(f"{told}.")
    parts: list[str] = []
    for number in ITERATIONS:
        losses = [results.by_case(method, f"loss_after_{number}") for method in ("hybrid", "gb_surrogate")]
        ratio = (losses[0] / losses[1]).dropna()
        if len(ratio) > 1:
            p, _ = signed_rank_test(*losses)
            verb = "" if parts else "is "
            parts.append(
                f"after {number} iterations {verb}{times(ratio.median())} GB surrogate's (median; {level(p)}; "
                f"N = {len(ratio)})"
            )
    if parts:
        lines.append(f"- Started from the direct prediction, the loss on the surrogate {', '.join(parts)}.")
    return lines


def uncorrected(results: Results) -> pd.Series:
    """The hybrid's MSE before its correction, by case; empty if nothing was corrected."""
    corrected = results.by_case("hybrid", "corrected")
    # a density's loss is its MSE, so that their ratio is that of the MSEs
    before = results.by_case("hybrid", "mse") / corrected
    return before if (corrected < 1).any() else before.iloc[:0]


def _times(results: Results, table: pd.DataFrame) -> list[str]:
    cpu, wall = results.cpu_seconds(), seconds(results)
    listed = [f"{results.titles[m]} {wall[m]:.2g} ({cpu[m]:.2g})" for m in cpu if m in wall]
    if not listed:
        return []
    return [
        "- Seconds per case by the clock, and in brackets of processor time with the final solver run (the clock's are "
        f"too large where other jobs share the cores): {', '.join(listed)}."
    ]


def seconds(results: Results) -> dict[str, float]:
    """Mean time by the clock of a search, by method."""
    table = results.required(2)
    found = table.xs("minutes", level="metric")
    return (60 * found.loc[found["n"] > 0, "mean"]).to_dict()


def parameters(results: Results) -> list[str]:
    """Table 1."""
    table = results.required(1)
    return [
        "## Parameters (Table 1)",
        beside(table, 1, results.titles, cases=results.anatomy),
        "Medians:",
        beside(table, 1, results.titles, "median"),
        "The paper’s standard errors of origins are left out: they divide by √3 in place of √N.",
    ]


def on_other_sets(results: Results) -> list[str]:
    """Table 2 on the other sets."""
    lines = []
    for name, title in other_sets(results).items():
        lines += [f"## {title}", results.printed((2, name))]
    return lines


def patients(results: Results) -> list[str]:
    """Table 3."""
    table = results.table(3)
    if table is None:
        return []
    made = Path(str(results.config.get("patients"))).name == "patients.tsv" and not results.config.get("brats_dir")
    theirs = published().query("table == 3")["n"].max()
    note = (
        f"This run's patients are the repository's {count(int(table['n'].max()))} in-silico ones; the paper's are "
        f"{theirs} real ones. The rows show that every method runs, not how they compare."
    )
    return ["## Patients (Table 3)", *[note] * made, beside(table, 3, results.titles)]
