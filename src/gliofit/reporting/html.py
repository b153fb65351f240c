"""One look for every HTML page: the templates, style and captions of `templates`, in files that need nothing else."""

from __future__ import annotations

import base64
import json
import os
import platform
from importlib import metadata, resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

PACKAGES = ("gliofit", "numpy", "scipy", "numba", "torch", "antspyx", "cma", "snakemake")


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
    loader = PackageLoader("gliofit.reporting", "templates", encoding="utf-8")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(template).render(**values)


def captions() -> dict[str, dict[str, str]]:
    """Captions of figures and tables, by name."""
    path = resources.files("gliofit.reporting") / "templates" / "captions.json"
    return json.loads(path.read_text(encoding="utf-8"))


def inlined(content: bytes, kind: str = "image/png") -> str:
    """A file's content as a data URI, so that a page loads nothing."""
    return f"data:{kind};base64," + base64.b64encode(content).decode("ascii")


def versions() -> dict[str, str]:
    """Versions of what made a page, and the machine."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found | {"machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} logical cores"}
