"""One look for every HTML page: the templates, style and captions of `templates`, in files that need nothing else."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta

from gliofit.base.files import read_json
from gliofit.base.versions import machine, versions

TEMPLATES = Path(__file__).with_name("templates")
CAPTIONS = "captions.json"


def render(template: str, **values: Any) -> str:
    """
    A template of `templates` with its values filled in; text is escaped.

    Parameters
    ----------
    template : str
        File name, such as "report.html".
    **values
        What the template names; a missing one is an error.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**values)


def template_files(template: str) -> list[Path]:
    """The files that a page by `template` is made from: it, what it includes or imports, and the captions."""
    names, queue = [], [template]
    while queue:
        name = queue.pop()
        names.append(name)
        found = meta.find_referenced_templates(Environment().parse((TEMPLATES / name).read_text(encoding="utf-8")))
        queue += [other for other in found if other and other not in [*names, *queue]]
    return [TEMPLATES / name for name in sorted([*names, CAPTIONS])]


def captions() -> dict[str, dict[str, str]]:
    """Captions of figures and tables, by name."""
    return read_json(TEMPLATES / CAPTIONS)


def inlined(content: bytes, kind: str = "image/png") -> str:
    """A file's content as a data URI, so that a page loads nothing."""
    return f"data:{kind};base64," + base64.b64encode(content).decode("ascii")


def made_with() -> dict[str, str]:
    """What makes a page, as its last table has it: versions and the machine."""
    return versions() | {"machine": machine()}
