"""The page in brief: what the paper's criteria come to in this run."""

from __future__ import annotations

from gliofit.reporting.results_doc.fits import seconds, uncorrected
from gliofit.reporting.results_doc.run import Results
from gliofit.reporting.results_doc.surrogates import BEST_MSE, PAPER_MSE, beside_others, errors, races
from gliofit.reporting.results_doc.words import ALIKE, scientific, significance, times
from gliofit.reporting.tables.markup import plain_markdown
from gliofit.reporting.tables.published import published

Row = tuple[str, ...]


def in_short(results: Results) -> list[str]:
    """The section."""
    rows = [*_surrogates(results), *_hybrid(results), *_times(results), *_gauss_newton(results), *_races(results)]
    return ["## In short", plain_markdown([("", "here", "paper", "so"), *rows])] if rows else []


def _surrogates(results: Results) -> list[Row]:
    found = errors(results).get(results.anatomy)
    if found is None:
        return []
    paper = f"{scientific(PAPER_MSE, digits=1)}; best published {scientific(BEST_MSE, digits=1)} (Haouari et al. 2025)"
    rows: list[Row] = []
    for name in found.index.get_level_values(0).unique():
        mse = found.loc[(name, "mse_crop")]
        architecture = results.cards.get(name, {}).get("architecture")
        kind = ", the paper's architecture trained here," if architecture == "weidner" else ""
        title = f"MSE of surrogate `{name}`{kind} over its crop, {mse['n']:.0f} test cases"
        rows.append((title, scientific(mse["mean"], mse["se"]), paper, beside_others(mse["mean"])))
    return rows


def _hybrid(results: Results) -> list[Row]:
    ours = results.required(2)
    if ("hybrid", "mse") not in ours.index or not ours.loc[("hybrid", "mse"), "n"]:
        return []
    paper = published().query("table == 2").set_index(["method", "metric"])
    mse, ncc = ours.loc[("hybrid", "mse")], ours.loc[("hybrid", "ncc")]
    target, correlation = paper.loc[("hybrid", "mse")], paper.loc[("hybrid", "ncc")]
    median = scientific(mse["median"], digits=1)
    rows: list[Row] = [
        (
            f"MSE of the hybrid, {mse['n']:.0f} synthetic tumours",
            f"{scientific(mse['mean'], mse['se'])} (median {median})",
            scientific(target["mean"], target["se"]),
            f"{times(mse['mean'] / target['mean'])} the paper's, on other tumours",
        ),
        (
            "NCC of the hybrid",
            f"{ncc['mean']:.4f}",
            f"{correlation['mean']:.3f}",
            f"{'higher' if ncc['mean'] > correlation['mean'] else 'not higher'} than the paper's",
        ),
    ]
    before = uncorrected(results)
    if not before.empty:
        rows.insert(
            1,
            (
                "the same without its correction, which the paper's does not have",
                scientific(before.mean(), before.sem()),
                scientific(target["mean"], target["se"]),
                f"{times(before.mean() / target['mean'])} the paper's",
            ),
        )
    for other in ("direct", "gb_surrogate"):
        if (other, "mse") in ours.index and ours.loc[(other, "mse"), "n"]:
            found, theirs = ours.loc[(other, "mse")], paper.loc[(other, "mse"), "mean"]
            ratio, common = results.against("hybrid", other)
            rows.append(
                (
                    f"MSE of {results.titles[other]}, beside the hybrid's",
                    scientific(found["mean"], found["se"]),
                    scientific(theirs),
                    f"the hybrid's is {times(ratio)} that on {common} common cases, {significance(found['p_value'])}; "
                    f"in the paper {times(target['mean'] / theirs)}",
                )
            )
    return rows


def _times(results: Results) -> list[Row]:
    cpu, wall = results.cpu_seconds(), seconds(results)
    paper = published().query("table == 2 and metric == 'minutes'").set_index("method")["mean"]
    return [
        (
            f"time of {results.titles[method]}, per case",
            f"{wall[method]:.2g} s by the clock, {cpu[method]:.2g} s of processor time",
            f"{60 * paper[method]:.2g} s",
            f"{times(wall[method] / (60 * paper[method]))} the paper's, on a CPU in place of a graphics card",
        )
        for method in ("hybrid", "direct")
        if method in cpu and method in wall
    ]


def _gauss_newton(results: Results) -> list[Row]:
    ours, cpu = results.required(2), results.cpu_seconds()
    if "gauss_newton" not in cpu:
        return []
    cost = f"{times(cpu['gauss_newton'] / cpu['hybrid'])} the hybrid's processor time" if "hybrid" in cpu else "–"
    exact = scientific(ours.loc[("gauss_newton", "mse"), "median"], digits=1)
    here = f"{exact} in {cpu['gauss_newton']:.2g} s of processor time"
    return [(f"median MSE of {results.titles['gauss_newton']}", here, "–", cost)]


def _races(results: Results) -> list[Row]:
    run = races(results)
    if not run:
        return []
    best = max(run, key=lambda race: race.ratio)
    wins = sum(race.ratio > ALIKE for race in run)
    found = f"at {wins} of {len(run)} kinds of run" if wins else "never"
    here = f"{found}: at best {times(best.ratio)} the solver's speed ({best.surrogate}, {best.device}: {best.kind})"
    so = "listed below" if wins else "its errors buy no time here"
    return [("when the surrogate beats the solver", here, "–", so)]
