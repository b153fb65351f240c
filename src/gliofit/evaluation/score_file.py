"""Scores of one fit or plan on disk, which `results/patients.csv` and its like are collected from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, read_json, write_json

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scores:
    """
    Scores of one case by one method.

    Parameters
    ----------
    case : str
    method : str
        A method, or the standard plan.
    scores : mapping of str → float
        NaN where undefined.
    set : str
        The set of cases that it belongs to.
    row : str, optional
        Its row in tables, where that is not the method's: one method told different things has several.
    about : mapping
        Further facts for people, such as the size of a plan.
    """

    case: str
    method: str
    scores: Mapping[str, float]
    set: str = "patients"
    row: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write JSON, which knows no NaN: null is what cannot be told (no recurrence, no PET)."""
        values = {name: None if math.isnan(value) else float(value) for name, value in self.scores.items()}
        named = {"case": self.case, "set": self.set, "method": self.method, "row": self.row}
        write_json(path, {**named, **self.about, "scores": values})

    @property
    def rows(self) -> pd.DataFrame:
        """Tidy rows, `gliofit.evaluation.metrics.COLUMNS`."""
        from gliofit.evaluation.metrics import tidy  # pandas, which writing scores does without

        return tidy(self.case, self.set, self.row or self.method, dict(self.scores))


def load_scores(path: str | Path) -> Scores:
    """
    Read what `Scores.save` wrote.

    Raises
    ------
    InputError
        Naming the file, if it is missing or holds no scores.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    try:
        values = read_json(path)
        named = {name: values.pop(name) for name in ("case", "set", "method", "row")}
        scores = {name: math.nan if value is None else float(value) for name, value in values.pop("scores").items()}
    except (json.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            f"{path}: holds no scores as this GlioFit writes them ({error!r}); delete it and run again"
        ) from None
    return Scores(**named, scores=scores, about=values)
