"""
docs/results.md: a run's tables beside the numbers that Weidner et al. 2026 published, and what follows from them.

Every number comes from the run's tables, config, record and cards or from weidner2026.csv; sentences are chosen by the
numbers.
"""

from __future__ import annotations

from pathlib import Path

from gliofit.base.files import write_text
from gliofit.reporting.figures import style
from gliofit.reporting.html import captions
from gliofit.reporting.results_doc.differences import differences
from gliofit.reporting.results_doc.failures import failures
from gliofit.reporting.results_doc.fits import on_other_sets, parameters, patients, synthetic
from gliofit.reporting.results_doc.geometry_aware import geometry_aware
from gliofit.reporting.results_doc.origin import opening
from gliofit.reporting.results_doc.plans import plans
from gliofit.reporting.results_doc.run import Results, Rows, Table
from gliofit.reporting.results_doc.summary import in_short
from gliofit.reporting.results_doc.surrogates import accuracy, speed

__all__ = ["Results", "Rows", "Table", "write_page"]


def write_page(results: Results, path: str | Path, pictures: dict[str, str | Path]) -> None:
    """
    Write the page, and its pictures into images/ beside it.

    Parameters
    ----------
    results : Results
    path : path
        Of the markdown file.
    pictures : dict of key → path
        PNG files shown at the end, made smaller for the page; keys of templates/captions.json.
    """
    sections = (
        opening, in_short, accuracy, speed, geometry_aware, synthetic, parameters, on_other_sets, failures, patients,
        plans, differences,
    )  # fmt: skip
    parts = [*(section(results) for section in sections), _shown(Path(path), pictures)]
    write_text(path, "\n\n".join(line for part in parts for line in part) + "\n")


def _shown(path: Path, pictures: dict[str, str | Path]) -> list[str]:
    described = captions()
    lines = ["## Figures"]
    for key, source in pictures.items():
        name = f"results_{key}.png"
        style.small_copy(source, path.parent / "images" / name)
        text = described[key]
        lines += [f"![{text['alt']}](images/{name})", f"**{text['title']}.** {text['caption']}"]
    return lines
