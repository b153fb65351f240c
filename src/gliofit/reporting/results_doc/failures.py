"""Where methods fail: the tail of their errors, their worst cases, and sets of cases unlike the training's."""

from __future__ import annotations

from gliofit.reporting.results_doc.fits import other_sets
from gliofit.reporting.results_doc.run import Results
from gliofit.reporting.results_doc.words import scientific, times
from gliofit.reporting.tables.markup import plain_markdown
from gliofit.reporting.tables.published import published

TAIL = 10
"""A fit has failed, relative to its method's others, if its MSE is above so many times their median."""

COMPARED = ("hybrid", "direct", "gauss_newton")


def failures(results: Results) -> list[str]:
    """The section."""
    rows = [_row(results, method) for method in results.titles if not results.by_case(method, "mse").empty]
    if not rows:
        return []
    bar = f"above the paper's hybrid ({scientific(_bar())})"
    head = ("", "N", "median MSE", f"above {TAIL} times it", bar, "worst MSE", "its μ_D (mm)", "μ_ρ", "volume (ml)")
    lines = [_set(results, name, title) for name, title in other_sets(results).items()]
    return [
        "## Where methods fail",
        f"On the test cases of set {results.anatomy}: the shares of cases whose MSE is above {TAIL} times the method's "
        "own median, and above the mean that the paper's hybrid has; and the case with the largest MSE, with its true "
        "parameters. The figure of worst cases below shows these.",
        plain_markdown([head, *rows]),
        *["\n".join(filter(None, lines))] * any(lines),
    ]


def _bar() -> float:
    """The mean MSE of the paper's hybrid."""
    return published().set_index(["table", "method", "metric"]).loc[(2, "hybrid", "mse"), "mean"]


def _row(results: Results, method: str) -> tuple[str, ...]:
    mse = results.by_case(method, "mse").dropna()
    worst = mse.idxmax()
    truth = [results.by_case(method, f"true_{name}").get(worst) for name in ("mu_D", "mu_rho", "volume")]
    return (
        results.titles[method],
        str(len(mse)),
        scientific(mse.median(), digits=1),
        f"{100 * (mse > TAIL * mse.median()).mean():.0f} %",
        f"{100 * (mse > _bar()).mean():.0f} %",
        scientific(mse.max(), digits=1),
        *("–" if value is None else f"{value:.3g}" for value in truth),
    )


def _set(results: Results, name: str, title: str) -> str:
    """Medians on another set beside those on the test cases; "" if no compared method was run on both."""
    usual, here = results.required(2), results.required((2, name))
    parts, most = [], 0
    for method in COMPARED:
        if all((method, "mse") in t.index and t.loc[(method, "mse"), "n"] for t in (usual, here)):
            found, reference = here.loc[(method, "mse")], usual.loc[(method, "mse"), "median"]
            most = max(most, int(found["n"]))
            ratio = f" ({times(found['median'] / reference)} that on {results.anatomy})" if reference > 0 else ""
            parts.append(f"of {results.titles[method]} is {scientific(found['median'], digits=1)}{ratio}")
    where = title.replace("Table 2 on ", "")
    return f"- {where}, N = {most}: the median MSE {', '.join(parts)}." * bool(parts)
