"""Tables that benchmarks put into the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gliofit.base.files import write_text

DOCS = Path(__file__).parents[1] / "docs"
END = "<!-- end -->"


def put(page: str, name: str, lines: Sequence[str]) -> None:
    """Replace what stands on a page of the documentation between the comments `name` and `end`."""
    path, start = DOCS / page, f"<!-- {name} -->\n"
    head, rest = path.read_text(encoding="utf-8").split(start)
    write_text(path, head + start + "\n".join(lines) + "\n" + END + rest.split(END, 1)[1])
