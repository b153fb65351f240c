"""
What MkDocs cannot know of this repository (a hook of mkdocs.yml).

Pages outside docs/ come in where the site has a place for them, and each wing of the package gets a page of its
docstrings. Links are the repository's own; here they are turned into the site's. A link to a file that the site does
not show becomes plain text. A link, or a path or dotted name in code, of something that is not there is a warning,
which ends the build; docstrings are looked through, too.
"""

from __future__ import annotations

import ast
import logging
import os
import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "gliofit"
LOG = logging.getLogger(f"mkdocs.hooks.{__name__}")

BROUGHT_IN = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "config/README.md": "config/README.md",
    "benchmarks/README.md": "benchmarks/README.md",
    "findings/README.md": "findings/README.md",
}
"""Pages outside docs/ and where the site has them."""

WEIGHTS = "resources/weights"

FENCED = re.compile(r"^(```.*?^```)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(!?)\[((?:`[^`]*`|[^\[\]`])*)\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:src|docs|config|workflow|tests|benchmarks|envs|profiles|resources/weights)/[\w./-]*\w")
NAME = re.compile(r"gliofit(?:\.\w+)+")


def pages() -> dict[str, str]:
    """Paths in the repository → pages of the site, for those outside docs/ that are there."""
    weights = sorted((ROOT / WEIGHTS).glob("*.md"))
    found = BROUGHT_IN | {f"{WEIGHTS}/{path.name}": f"weights/{path.name}" for path in weights}
    return {path: page for path, page in found.items() if (ROOT / path).is_file()}


def wings() -> list[str]:
    """Wings of the package from the ground up, as in the contract of import-linter."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = next(c["layers"] for c in tool["importlinter"]["contracts"] if c["type"] == "layers")
    return [wing.strip() for layer in reversed(layers) for wing in layer.split("|")]


def reference() -> dict[str, str]:
    """Pages on the package: Markdown that mkdocstrings fills from docstrings."""
    public = ast.literal_eval(re.search(r"__all__ = (\[.*?\])", _text(PACKAGE / "__init__.py"), re.DOTALL)[1])
    about = "The public face. These names stay; `from gliofit import …` brings them."
    made = {"api/index.md": "\n\n".join(["# gliofit", about, *(f"::: gliofit.{name}" for name in public)])}
    for wing in wings():
        if (PACKAGE / f"{wing}.py").is_file():  # the entry point above all wings is a module
            made[f"api/{wing}.md"] = f"# {wing}\n\n::: gliofit.{wing}"
            continue
        parts = [f"# {wing}", ast.get_docstring(ast.parse(_text(PACKAGE / wing / "__init__.py"))) or ""]
        for path in sorted((PACKAGE / wing).rglob("*.py")):
            module = path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
            if path.name not in ("__init__.py", "__main__.py"):
                parts.append(f"::: {module}")
        made[f"api/{wing}.md"] = "\n\n".join(parts)
    return made


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the two sections of the navigation that are made here."""
    filled = {"weights/": [p for p in pages().values() if p.startswith("weights/")], "api/": list(reference())}
    config.nav = [
        {title: filled.get(entry, entry) if isinstance(entry, str) else entry for title, entry in section.items()}
        if isinstance(section, dict)
        else section
        for section in config.nav
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside docs/ and those on the package."""
    for path, page in pages().items():
        files.append(File.generated(config, page, content=_text(ROOT / path)))
    for page, content in reference().items():
        files.append(File.generated(config, page, content=content))
    for module in sorted(PACKAGE.rglob("*.py")):
        _check_names(_text(module), str(module.relative_to(ROOT)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page into the site's; warn of what they, or names in code, do not find."""
    here = page.file.src_uri
    if here.startswith("api/"):
        return markdown
    source = {place: path for path, place in pages().items()}.get(here, f"docs/{here}")
    parts = FENCED.split(markdown)
    for i in range(0, len(parts), 2):
        if source != "CHANGELOG.md":  # it tells of names that are gone
            _check_names(parts[i], source)
        parts[i] = LINK.sub(lambda link: _link(link, source, here, files), parts[i])
    return "".join(parts)


def _link(link: re.Match[str], source: str, here: str, files: Files) -> str:
    image, text, target = link.groups()
    path, _, anchor = target.partition("#")
    if re.match(r"[a-z]+:", target) or not path:
        return link[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    place = pages().get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
    if place and files.get_file_from_path(place):
        relative = posixpath.relpath(place, posixpath.dirname(here) or ".")
        return f"{image}[{text}]({relative}{'#' * bool(anchor)}{anchor})"
    if not (ROOT / path).exists():
        LOG.warning("%s: a link to %s, which is not there", source, target)
    return text if text.strip("`") == path else f"{text} (`{path}`)"


def _check_names(text: str, source: str) -> None:
    """Paths and dotted names in code spans of a page or module must be of something that exists."""
    for code in CODE.findall(text):
        if PATH.fullmatch(code) and not (ROOT / code).exists():
            LOG.warning("%s: names %s, which is not there", source, code)
        if NAME.fullmatch(code) and not _known(code.split(".")[1:]):
            LOG.warning("%s: names %s, which is not there", source, code)


def _known(parts: list[str]) -> bool:
    """Whether a dotted name is a module or a name that its module has."""
    place = PACKAGE
    for i, part in enumerate(parts):
        if (place / part).is_dir():
            place /= part
            continue
        module = place / f"{part}.py"
        name, *attributes = (parts[i + 1 :] if module.is_file() else parts[i:]) or [None]
        text = _text(module if module.is_file() else place / "__init__.py")
        known = name is None or name in _names(text)
        return known and all(re.search(rf"\b{attribute}\b", text) for attribute in attributes)
    return True


def _names(source: str) -> set[str]:
    """What a module defines or imports at its top level."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.If):  # what is imported for type checkers alone, and lazily for all others
            found |= {alias.name for n in ast.walk(node) if isinstance(n, ast.ImportFrom) for alias in n.names}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        else:
            found |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    return found


def _text(path: str | os.PathLike[Any]) -> str:
    return Path(path).read_text(encoding="utf-8")
