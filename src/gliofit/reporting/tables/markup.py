"""Printed tables in markdown, HTML and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from gliofit.evaluation.statistics import SIGNIFICANCE
from gliofit.reporting.tables.cells import Cell, rows
from gliofit.reporting.tables.layout import Column, Layout


@dataclass(frozen=True)
class Markup:
    """How a language writes a cell."""

    plus_minus: str
    times: Callable[[int], str]
    bold: Callable[[str], str]
    underline: Callable[[str], str]
    star: str
    missing: str
    number: Callable[[str], str] = str

    def cell(self, cell: Cell) -> str:
        if not cell.mean:
            return self.missing
        text = f"{cell.mean}{self.plus_minus}{cell.se}" if cell.se else cell.mean
        if cell.power:
            text = f"({text}){self.times(cell.power)}" if cell.se else f"{text}{self.times(cell.power)}"
        text = self.number(text)
        if cell.rank:
            text = (self.bold if cell.rank == 1 else self.underline)(text)
        return text + (self.star if cell.star else "")


def _power(exponent: int) -> str:
    return "×10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def header(column: Column) -> str:
    unit = column.unit or _power(column.exponent)
    return f"{column.label} {'↑' if column.higher_is_better else '↓'} ({unit})"


MARKDOWN = Markup(" ± ", _power, lambda t: f"**{t}**", lambda t: f"<u>{t}</u>", r"\*", "–")
HTML = Markup(
    " ± ",
    _power,
    lambda t: f"<strong>{t}</strong>",
    lambda t: f"<u>{t}</u>",
    "<sup>*</sup>",
    '<span aria-label="none">–</span>',
)
LATEX = Markup(
    r" \pm ",
    lambda e: rf" \times 10^{{{e}}}",
    lambda t: rf"\textbf{{\boldmath {t}}}",
    lambda t: rf"\underline{{{t}}}",
    "$^{*}$",
    "--",
    lambda t: f"${t}$",
)


CASES = {
    "forward": "test cases",
    "patients": "patients",
    "single": "patients",
    "multi": "patients",
    "geometry_aware": "test tumours",
}
"""Sets whose own names say nothing to a reader."""


def caption(layout: Layout, titles: dict[str, str]) -> str:
    """What the table shows and how to read it."""
    titles = {**titles, **layout.titles}
    spread = any(column.spread for column in layout.columns)
    cases = CASES.get(layout.cases, f"cases of set {layout.cases}")
    marks = ["Bold: best; underlined: second best"] * layout.ranks
    if spread and layout.ours in titles:  # not among the rows: nothing was tested
        ours = f"“{titles[layout.ours]}” on their common cases"
        marks.append(f"*: p < {SIGNIFICANCE} in a {layout.test} against {ours}")
    note = f"{layout.caption} Mean{' ± standard error' * spread} over the N {cases}."
    return f"{note} {'; '.join(marks)}." if marks else note


def markdown_caption(layout: Layout, titles: dict[str, str]) -> str:
    """The caption with its asterisk as Markdown needs it."""
    return caption(layout, titles).replace("*:", r"\*:")


def markdown_table(layout: Layout, lines: Iterable[Sequence[str]]) -> str:
    """The head of a table in GitHub-flavoured Markdown, and printed lines below it."""
    head = [["Model", "N", *map(header, layout.columns)], ["---"] + ["---:"] * (len(layout.columns) + 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*head, *lines])


def markdown_rows(tidy: pd.DataFrame, layout: Layout, titles: dict[str, str]) -> str:
    """The table without its caption."""
    return markdown_table(layout, ([r.title, r.n, *map(MARKDOWN.cell, r.cells)] for r in rows(tidy, layout, titles)))


def to_markdown(tidy: pd.DataFrame, layout: Layout, titles: dict[str, str]) -> str:
    """The table, caption below."""
    return f"{markdown_rows(tidy, layout, titles)}\n\n{markdown_caption(layout, titles)}\n"


def to_html(tidy: pd.DataFrame, layout: Layout, titles: dict[str, str]) -> str:
    """A `<table>` with caption and scoped headers."""
    head = "".join(f'<th scope="col">{escape(t)}</th>' for t in ("Model", "N", *map(header, layout.columns)))
    lines = [
        f'<tr><th scope="row">{escape(row.title)}</th><td>{escape(row.n)}</td>'
        + "".join(f"<td>{HTML.cell(cell)}</td>" for cell in row.cells)
        + "</tr>\n"
        for row in rows(tidy, layout, titles)
    ]
    half = len(lines) // 2 if layout.medians else len(lines)
    body = "".join(f"<tbody>\n{''.join(part)}</tbody>\n" for part in (lines[:half], lines[half:]) if part)
    note = escape(caption(layout, titles)).replace("μ_ρ", "μ<sub>ρ</sub>").replace("μ_D", "μ<sub>D</sub>")
    return f"<table>\n<caption>{note}</caption>\n<thead><tr>{head}</tr></thead>\n{body}</table>"


def _tex(text: str) -> str:
    for plain, tex in {
        "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "±": r"$\pm$", "<": "$<$",
        r"μ\_ρ": r"$\mu_\rho$", r"μ\_D": r"$\mu_D$", "μ": r"$\mu$", "ρ": r"$\rho$", "“": "``", "”": "''", "–": "--",
    }.items():  # fmt: skip
        text = text.replace(plain, tex)
    return text


def to_latex(tidy: pd.DataFrame, layout: Layout, titles: dict[str, str], label: str = "") -> str:
    r"""A `table*` float; needs `\usepackage{booktabs}`."""

    def header(column: Column) -> str:
        unit = column.unit or rf"$\times 10^{{{column.exponent}}}$"
        arrow = "uparrow" if column.higher_is_better else "downarrow"
        return rf"\shortstack{{{column.label} $\{arrow}$ \\ ({unit})}}"

    printed = [[_tex(row.title), row.n, *map(LATEX.cell, row.cells)] for row in rows(tidy, layout, titles)]
    half = len(printed) // 2 if layout.medians else len(printed)
    head = ["Model", "N", *map(header, layout.columns)]
    return "\n".join(
        [
            r"\begin{table*}[t]",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{_tex(caption(layout, titles))}}}",
            *([rf"\label{{{label}}}"] if label else []),
            *_tabular(f"lr{'c' * len(layout.columns)}", head, printed[:half], printed[half:]),
            r"\end{table*}",
            "",
        ]
    )


def _tabular(columns: str, head: Sequence[str], *blocks: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a `tabular`: the head and blocks of rows, each under a rule."""
    parts = [[" & ".join(row) + r" \\" for row in block] for block in ([head], *blocks) if block]
    ruled = [line for part in parts for line in (r"\midrule", *part)][1:]
    return [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *ruled, r"\bottomrule", r"\end{tabular}"]


def plain_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table of text in GitHub-flavoured Markdown; its first row is the head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def plain_latex(rows: Sequence[Sequence[str]]) -> str:
    r"""The same as a `tabular`; needs `\usepackage{booktabs}`."""
    head, *lines = [[_tex(text) for text in row] for row in rows]
    return "\n".join([*_tabular("l" * len(head), head, lines), ""])
