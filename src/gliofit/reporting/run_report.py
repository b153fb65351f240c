"""
One HTML file with every table, figure and patient: self-contained, so that it can be mailed or archived.

    write_report("results/report.html", tables={2: "results/tables/weidner_table2.csv"}, figures={"3": "…/figure3.png"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, write_text
from gliofit.evaluation import (
    bayesian_scores,
    cohort_scores,
    coverage_scores,
    gliodil_scores,
    lmi_table,
    metrics,
)
from gliofit.evaluation import patient_scores as clinical
from gliofit.inversion.fit_file import load_fit
from gliofit.reporting.fit_in_words import Columns, fit_row, warnings_of
from gliofit.reporting.html import captions, inlined, made_with, render
from gliofit.reporting.tables.tidy import TIDY, layout_of, titles_of, to_html

DEFINITIONS = metrics.DEFINITIONS | clinical.DEFINITIONS | gliodil_scores.DEFINITIONS
DEFINITIONS |= coverage_scores.DEFINITIONS | cohort_scores.DEFINITIONS | bayesian_scores.DEFINITIONS
DEFINITIONS |= lmi_table.DEFINITIONS
LABELS = {
    column.metric: column.label
    for table in (1, 2, "patients", "gliodil_synthetic_single", "cohort", "table_ii", "lmi")
    for column in layout_of(table).columns
} | {"dice": "Dice", "rmse_core": "RMSE core", "missed_M": "Missed", "better_M": "Better"}


@dataclass(frozen=True)
class Patient:
    """
    A patient's section.

    Parameters
    ----------
    name : str
    fits : sequence of path
        `{method}.json` files, in the order of the methods.
    pictures : mapping of caption → path
        PNG files, in this order: registration check, overlays.
    notes : sequence of str
        Warnings, or that the patient is synthetic; shown first.
    page : str
        The patient's own page, relative to the report; "" if there is none.
    """

    name: str
    fits: Sequence[str | Path] = ()
    pictures: Mapping[str, str | Path] = field(default_factory=dict)
    notes: Sequence[str] = ()
    page: str = ""


def write_report(
    path: str | Path,
    *,
    tables: Mapping[int | str | tuple[int, str], str | Path] | None = None,
    figures: Mapping[str, str | Path] | None = None,
    patients: Sequence[Patient] = (),
    config: str | Path | None = None,
    cases: str = "sri24",
    titles: Mapping[str, str] | None = None,
    title: str = "GlioFit report",
) -> None:
    """
    Write the report.

    Parameters
    ----------
    path : path
        The HTML file.
    tables : mapping of number, or (number, set of cases) → path
        Tidy csv files of the paper's tables (`gliofit.reporting.tables.tidy.write_table`): {1: …, (2, "mni152"): …},
        or by the name of another of its layouts ("surrogate_error").
    figures : mapping of key → path
        PNG files; keys of templates/captions.json ("1b", "surrogate_error", …) have captions of their own, any other
        is its own caption.
    patients : sequence of Patient
    config : path, optional
        The resolved config, shown as it is.
    cases : str
        Set of cases of Tables 1 and 2 where the key does not name one.
    titles : mapping of method → title, optional
        From the registry if absent.

    Raises
    ------
    InputError
        Naming the file that is missing or not what it should be.
    """
    described = captions()
    html = render(
        "report.html",
        title=title,
        tables=[_table(key, csv, cases, titles) for key, csv in (tables or {}).items()],
        figures=[_picture(png, **described.get(key, {"caption": key})) for key, png in (figures or {}).items()],
        patients=[_patient(patient, titles) for patient in patients],
        definitions={LABELS.get(name, name): text for name, text in DEFINITIONS.items()},
        config=_file(config).read_text(encoding="utf-8") if config else "",
        versions=made_with(),
    )
    write_text(path, html)


def _file(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    return Path(path)


def _picture(path: str | Path, caption: str, title: str = "", alt: str = "") -> dict[str, str]:
    content = _file(path).read_bytes()
    if not content.startswith(b"\x89PNG"):
        raise InputError(f"{path}: not a PNG picture")
    return {"data": inlined(content), "caption": caption, "title": title, "alt": alt or caption}


def _table(
    key: int | str | tuple[int, str], csv: str | Path, cases: str, titles: Mapping[str, str] | None
) -> dict[str, str]:
    tidy = pd.read_csv(_file(csv), dtype={"method": str, "metric": str})
    if tuple(tidy.columns) != TIDY:
        raise InputError(f"{csv}: its columns are {', '.join(tidy.columns)}, not {', '.join(TIDY)}")
    number, shown = key if isinstance(key, tuple) else (key, cases if key in (1, 2) else None)
    names = dict(titles or titles_of(tidy["method"].unique()))
    title = number.replace("_", " ").capitalize() if isinstance(number, str) else f"Table {number}"
    title += f", {shown}" if isinstance(key, tuple) else ""
    return {"title": title, "html": to_html(tidy, layout_of(number, shown), names)}


def _patient(patient: Patient, titles: Mapping[str, str] | None) -> dict[str, Any]:
    fits = [load_fit(path) for path in patient.fits]
    columns = Columns.of(fits)
    names = titles or titles_of(fit.method for fit in fits)
    return {
        "name": patient.name,
        "page": patient.page,
        "notes": [*patient.notes, *warnings_of(fits, names)],
        "columns": columns.titles,
        "fits": [fit_row(fit, columns, names) for fit in fits],
        "pictures": [_picture(png, caption) for caption, png in patient.pictures.items()],
    }
