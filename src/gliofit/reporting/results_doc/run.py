"""What a run has left: the files that the page is made from, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd
import yaml

from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.evaluation.metrics import COLUMNS, read_metrics
from gliofit.evaluation.run_record import load_run

Key = int | str | tuple[int, str]
"""Of a table: the paper's number, or number and set of cases, or name."""


@dataclass(frozen=True)
class Table:
    """A table of the run: tidy csv, and as printed in Markdown with its caption."""

    csv: str | Path
    markdown: str | Path


@dataclass(frozen=True)
class Rows:
    """
    What the rows of tables stand for, by the name that a row has in them.

    Parameters
    ----------
    errors : mapping of row → (surrogate, set of cases)
    times : mapping of row → (surrogate or "solver", device)
    told : mapping of row → (method, "mri" or "mri_pet")
        On GliODIL's synthetic patients.
    """

    errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    times: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    told: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class Results:
    """
    The results of a run.

    Parameters
    ----------
    tables : mapping of key → Table
        Those of the run. A file that an earlier run left is not among them, and the page does not show it.
    metrics : path
        Per-case values of fits.
    config, run : path
        results/config.yaml and results/run.json.
    titles : dict of str → str
        Of the methods.
    rows : Rows
    forward, in_silico : path, optional
        Per-case values of surrogates, and of fits to GliODIL's synthetic patients.
    cards : mapping of str → path, optional
        JSON cards of the networks, by name.
    """

    def __init__(
        self,
        tables: Mapping[Key, Table],
        metrics: str | Path,
        *,
        config: str | Path,
        run: str | Path,
        titles: dict[str, str],
        rows: Rows | None = None,
        forward: str | Path | None = None,
        in_silico: str | Path | None = None,
        cards: Mapping[str, str | Path] | None = None,
    ):
        self.tables, self.titles, self.rows = dict(tables), titles, rows or Rows()
        self.run = load_run(run)
        self.config = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
        self.anatomy = self.config["atlas"] if isinstance(self.config["atlas"], str) else "custom"
        self.cards = {name: read_json(path) for name, path in (cards or {}).items()}
        self._metrics_csv, self._forward_csv, self._in_silico_csv = metrics, forward, in_silico

    def table(self, key: Key) -> pd.DataFrame | None:
        """A tidy table, indexed by method and metric; None if the run has none of that key."""
        if key not in self.tables:
            return None
        path = Path(self.tables[key].csv)
        if not path.is_file():
            raise InputError(f"{path}: no such file; run the pipeline first")
        return pd.read_csv(path).set_index(["method", "metric"])

    def required(self, key: Key) -> pd.DataFrame:
        found = self.table(key)
        if found is None:
            raise InputError(f"the page of results needs table {key} of the run")
        return found

    def printed(self, key: Key) -> str:
        """A table as the run wrote it, its caption with it."""
        return Path(self.tables[key].markdown).read_text(encoding="utf-8").strip()

    @cached_property
    def forward(self) -> pd.DataFrame:
        """Per-case values of surrogates; empty if the run has none."""
        return _values(self._forward_csv)

    @cached_property
    def in_silico(self) -> pd.DataFrame:
        """Per-case values on GliODIL's synthetic patients; empty if the run has none."""
        return _values(self._in_silico_csv)

    @cached_property
    def _metrics(self) -> pd.DataFrame:
        """Of the test cases."""
        frame = read_metrics(self._metrics_csv)
        return frame[frame["set"] == self.anatomy]

    def cpu_seconds(self) -> dict[str, float]:
        """Mean processor time by method on the test cases, final solver run included."""
        frame = self._metrics[self._metrics["metric"] == "cpu_seconds"]
        return frame.groupby("method", sort=False)["value"].mean().to_dict()

    def by_case(self, method: str, metric: str) -> pd.Series:
        """A metric of a method's fits to the test cases, by case."""
        frame = self._metrics[(self._metrics["method"] == method) & (self._metrics["metric"] == metric)]
        return frame.set_index("case")["value"].astype(float)

    def against(self, method: str, other: str) -> tuple[float, int]:
        """A method's mean MSE over another's, on the test cases that both have, and their number."""
        both = pd.concat([self.by_case(method, "mse"), self.by_case(other, "mse")], axis=1, join="inner").dropna()
        means = both.mean().to_numpy()
        return float(means[0] / means[1]), len(both)

    def planned(self, method: str) -> int:
        """How many test cases a method was to be run on."""
        tests = self.config["test_cases"]
        return min(tests["number"], tests["at_most"].get(method, tests["number"]))


def _values(path: str | Path | None) -> pd.DataFrame:
    return pd.DataFrame(columns=list(COLUMNS)) if path is None else read_metrics(path)
