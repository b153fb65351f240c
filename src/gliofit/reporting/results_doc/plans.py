"""Plans for GliODIL's synthetic patients, against the standard plan of the same volume."""

from __future__ import annotations

from gliofit.evaluation.statistics import signed_rank_test
from gliofit.reporting.results_doc.run import Results
from gliofit.reporting.results_doc.words import level, scientific
from gliofit.reporting.tables.layout import STANDARD_PLAN


def plans(results: Results) -> list[str]:
    """The section."""
    lines: list[str] = []
    for foci, words in {"single": "One focus", "multi": "Three foci"}.items():
        table = results.table(f"gliodil_synthetic_{foci}")
        if table is None:
            continue
        lines += [f"### {words}", results.printed(f"gliodil_synthetic_{foci}")]
        found = []
        for method, (name, told) in results.rows.told.items():
            parts = []
            for margin in (15, 5):
                missed, better = (table.loc[(method, f"{kind}_{margin}")] for kind in ("missed", "better"))
                ours, standard = (
                    scientific(table.loc[(m, f"missed_{margin}"), "median"], digits=1) for m in (method, STANDARD_PLAN)
                )
                share = f"{100 * better['mean']:.0f} % of {missed['n']:.0f} patients"
                parts.append(
                    f"at {margin} mm {ours} of the unseen cells in the median (the standard plan {standard}), less "
                    f"than that in {share} ({level(missed['p_value'])})"
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
    frame = results.in_silico
    if frame.empty:
        return ""
    values = frame.pivot_table(index=["set", "case"], columns=["method", "metric"], values="value")
    lines = []
    for method, (name, told) in results.rows.told.items():
        parts = []
        for margin in (15, 5):
            ours, standard = (values[(m, f"missed_{margin}")] for m in (method, STANDARD_PLAN))
            p, n = signed_rank_test(ours, standard)
            parts.append(f"at {margin} mm less in {int((ours < standard).sum())} of {n} patients ({level(p)})")
        data = {"mri": "outlines", "mri_pet": "outlines and FET-PET"}[told]
        lines.append(f"- {results.titles[name]} from {data} misses {', '.join(parts)}.")
    return "\n".join(["Against the standard plan of the same volume (Wilcoxon signed-rank test):", "", *lines])
