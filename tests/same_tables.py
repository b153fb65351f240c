"""Two runs' tables, but for times: those of a run that was killed, or on a cluster, are those of any other."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

TIMES = r"(?:^|_)(?:cpu)?(?:seconds|minutes|ms)(?:_|$)"
"""The name of a metric, or of a column, that is a time; nobody expects those to be equal."""


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """A table without times."""
    rows = table[[name for name in table.columns if not re.search(TIMES, name)]]
    if "metric" in rows:
        rows = rows[~rows["metric"].str.contains(TIMES)]
    return rows.reset_index(drop=True)


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table of a run's results, by its path."""
    found = [*folder.glob("results/*.csv"), *folder.glob("results/tables/*.csv")]
    # of training runs: steps and losses
    found += folder.glob("results/networks/*/training.csv")
    return {str(path.relative_to(folder)): comparable(pd.read_csv(path)) for path in sorted(found)}


def differences(folder: Path, reference: Path) -> list[str]:
    """Tables of a run that the other has not, or has otherwise; in words."""
    mine, theirs = tables(folder), tables(reference)
    found = [f"{name} is not in the other run" for name in mine.keys() - theirs.keys()]
    for name in mine.keys() & theirs.keys():
        try:
            pd.testing.assert_frame_equal(mine[name], theirs[name], check_exact=True)
        except AssertionError as error:
            found.append(f"{name} differs: {' '.join(str(error).split())[:200]}")
    if not mine:
        found.append("the run made no table")
    return sorted(found)
