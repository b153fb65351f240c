"""
`docs/result_format.md` and `fit.schema.json`, from the models that fits are checked against.

    python -m gliofit.reporting.fit_format_doc docs/result_format.md

writes the schema and the page's tables anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, get_args

from gliofit.base.files import write_json, write_text
from gliofit.inversion import fit_format
from gliofit.inversion.fit_format import FitRecord, Number, Part

SCHEMA = Path(fit_format.__file__).with_name("fit.schema.json")
MARKS = ("<!-- fields: made by gliofit.reporting.fit_format_doc -->", "<!-- end of fields -->")
"""Of the page, around the tables that are made here."""


def fields_in_words() -> str:
    """The page's tables: every key, its type and what it is."""
    parts = [table(FitRecord)]
    for name, field in FitRecord.model_fields.items():
        if part := next((t for t in _types(field.annotation) if isinstance(t, type) and issubclass(t, Part)), None):
            parts += [f"### `{name}`", table(part)]
    return "\n\n".join(parts)


def table(part: type[Part]) -> str:
    """One object's keys as a Markdown table."""
    rows = [f"| `{name}` | {_words(f.annotation)} | {f.description} |" for name, f in part.model_fields.items()]
    return "\n".join(["| key | type | content |", "|---|---|---|", *rows])


def page(text: str) -> str:
    """The page with its tables made anew."""
    head, rest = text.split(MARKS[0])
    return f"{head}{MARKS[0]}\n{fields_in_words()}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def _types(annotation: Any) -> tuple:
    """A union's members, or the type itself."""
    return (annotation,) if isinstance(annotation, type) else get_args(annotation)


def _words(annotation: Any) -> str:
    """A type as JSON has it."""
    names: dict[Any, str] = {float: "number", int: "integer", str: "string", bool: "true or false", type(None): "null"}
    names |= {Number: "number or null", list[float]: "list of numbers", dict[str, Any]: "object"}
    names |= {list[Number]: "list of numbers or null", list[str]: "list of strings"}
    names |= {list[list[float]]: "rows of numbers", list[list[Number]]: "rows of numbers or null"}
    names |= {dict[str, float]: "object of numbers", dict[str, str]: "object of strings"}
    names |= {list[dict[str, Number]]: "list of objects of numbers or null"}
    if annotation in names:
        return names[annotation]
    if isinstance(annotation, type):
        return "object"
    members = get_args(annotation)
    if not all(isinstance(m, type) for m in members):
        return " or ".join(f"`{json.dumps(m)}`" for m in members)
    return " or ".join(map(_words, members))


if __name__ == "__main__":
    write_json(SCHEMA, fit_format.schema())
    for path in sys.argv[1:]:
        write_text(path, page(Path(path).read_text(encoding="utf-8")))
