"""What a run has left: its tables, per-case metrics, config and the cards of its networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd
import yaml

from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.evaluation.metrics import COLUMNS


class Results:
    """
    The tables of a run.

    Parameters
    ----------
    folder : path
        results/, with tables/ and config.yaml.
    titles : dict of str → str
        Of the methods.
    cards : mapping of str → path, optional
        JSON cards of the networks, by name.
    configs : sequence of str
        Config files that the run was asked for with, as the reader of the page would name them.
    """

    def __init__(
        self,
        folder: str | Path,
        titles: dict[str, str],
        cards: Mapping[str, str | Path] | None = None,
        configs: Sequence[str] = (),
    ):
        self.folder, self.titles, self.configs = Path(folder), titles, list(configs)
        self.config = yaml.safe_load((self.folder / "config.yaml").read_text(encoding="utf-8"))
        self.anatomy = self.config["atlas"] if isinstance(self.config["atlas"], str) else "custom"
        self.cards = {name: read_json(path) for name, path in (cards or {}).items()}

    def table(self, name: str) -> pd.DataFrame | None:
        """A tidy table, indexed by method and metric; None if the run has none of that name."""
        path = self.folder / "tables" / f"{name}.csv"
        if not path.is_file():
            return None
        return pd.read_csv(path).set_index(["method", "metric"])

    def required(self, name: str) -> pd.DataFrame:
        found = self.table(name)
        if found is None:
            raise InputError(f"{self.folder / 'tables' / name}.csv: no such file; run the pipeline first")
        return found

    def printed(self, name: str) -> str:
        """A table as the run wrote it, its caption with it."""
        return (self.folder / "tables" / f"{name}.md").read_text(encoding="utf-8").strip()

    def per_case(self, name: str) -> pd.DataFrame:
        """Per-case values of one of the run's csv files; empty if it is missing."""
        path = self.folder / f"{name}.csv"
        return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=list(COLUMNS))

    @cached_property
    def _metrics(self) -> pd.DataFrame:
        """Of the test cases."""
        frame = self.per_case("metrics")
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
