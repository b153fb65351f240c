"""The geometry-aware surrogate beside the paper's (Ezhov 2021, Table I)."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from gliofit.evaluation.geometry_aware_scores import LEVELS
from gliofit.reporting.results_doc.run import Results
from gliofit.training.ablations import RELEASED, RELEASED_TITLE, ROWS

TABLE = "ezhov_table1"


def published() -> pd.DataFrame:
    """Dice of Ezhov 2021, by row of Table I and split; "f_100" is the paper's network for D_w/D_g = 100 (Fig. 8)."""
    with (resources.files("gliofit.reporting.tables") / "ezhov2021.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#").set_index(["row", "split"])


def geometry_aware(results: Results) -> list[str]:
    """The section."""
    table = results.table(TABLE)
    if table is None:
        return []
    paper, given = published(), results.config["geometry_aware"]
    first, *others = given["ratios"]
    lines = ["| row | test, here | test, paper |", "|---|--:|--:|"]
    rows = [(f"{name}_{first:g}", name, row.title) for name, row in ROWS.items()]
    rows += [(f"f_{ratio:g}", f"f_{ratio:g}", f"{ROWS['f'].title}, D_w/D_g = {ratio:g}") for ratio in others]
    for own, theirs, title in [*rows, (RELEASED, "f", RELEASED_TITLE)]:
        if own not in table.index.get_level_values(0) or (theirs, "test") not in paper.index:
            continue
        here = [table.loc[(own, f"test_{level}"), "mean"] for level in LEVELS]
        lines.append(f"| {title} | {_three(here)} | {_three(paper.loc[(theirs, 'test'), list(LEVELS)])} |")
    steps = results.config["networks"]["geometry_aware"]["steps"]
    words = (
        f"Dice above 0.2, 0.4 and 0.8. Here {given['train']:,} tumours and {steps:,} steps, where nothing else is "
        "said; in the paper 20,000 tumours and 30 epochs."
    )
    return ["## The geometry-aware surrogate", results.printed(TABLE), words, "\n".join(lines)]


def _three(values: object) -> str:
    return " / ".join(f"{value:.3f}" for value in values)  # type: ignore[attr-defined]
