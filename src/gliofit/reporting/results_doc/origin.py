"""Where the page's numbers come from: one run, its commits, configs and machines, as the run has recorded them."""

from __future__ import annotations

from gliofit.base.versions import Source
from gliofit.reporting.results_doc.run import Results


def opening(results: Results) -> list[str]:
    """The head of the page."""
    run = results.run
    names = " ".join(run.configs)
    given = f' CONFIG="{names}"' if len(run.configs) > 1 else f" CONFIG={names}" if names else ""
    return [
        "# Results",
        f"Made by `make results-doc{given}` from one run, at {named(run.source)}; no number is typed by hand. “Paper” "
        "is Weidner et al. 2026, whose numbers are kept in `src/gliofit/reporting/tables/weidner2026.csv`; how the "
        "set-up differs is listed below.",
        *_earlier(results),
        f"Machine: {'; '.join(run.machines)}; one thread per job.",
    ]


def named(source: Source) -> str:
    """A source as a reader can find it."""
    where = f"commit {source.commit[:10]}" if source.commit else f"source {source.sha256} (no commit)"
    return f"{where} with changes that were not committed (source {source.sha256})" if source.changed else where


def _earlier(results: Results) -> list[str]:
    """Results that another source made, and which."""
    others = results.run.others
    if not others:
        return ["All fits and times are of that source."]
    made = {(part.kind, part.source): 0 for part in others}
    for part in others:
        made[part.kind, part.source] += part.results
    total = {kind: sum(p.results for p in results.run.parts if p.kind == kind) for kind, _ in made}
    lines = [f"- {n} of {total[kind]} {kind}: {named(source)}" for (kind, source), n in made.items()]
    return [
        "These results are of another source than the page; later changes did not concern their jobs:",
        "\n".join(lines),
    ]
