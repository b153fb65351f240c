"""Which source files a script's results depend on."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2]
"""The folder that holds the package."""

MODELS, DEFAULT_MODEL = SOURCE / "gliofit/growth/model.py", "gliofit.growth.models.fisher_kolmogorov"
"""Growth models are found by name when a script runs: no import statement tells of the default one."""

STATEMENT = re.compile(
    r"^[ \t]*((?:import[ \t]+|from[ \t]+[\w.]+[ \t]+import[ \t]+)(?:\([^)]*\)|[^\n(]*))", re.MULTILINE
)
"""An import statement, wherever it stands: to parse these alone takes a fifth of the time that a file takes."""

DIGESTED: dict[str, tuple[Path, ...]] = {}
"""Every digest that this process has made → the files."""


@cache
def dependencies(*starts: str | Path) -> tuple[Path, ...]:
    """
    Source files of this package that the given files or modules import, directly or through one another.

    Imports inside functions count. What they hold, as a rule's parameter, makes the rule run again when its science
    changes and only then. How a job runs (`gliofit.pipeline`, and what it imports) does not count, as it changes no
    result.

    Parameters
    ----------
    *starts : path or str
        Python files, or modules such as "gliofit.inversion.methods.hybrid" (which then count themselves).

    Returns
    -------
    tuple of Path
        Sorted.
    """
    found: set[Path] = set()
    queue: list[Path] = []
    for start in starts:
        if isinstance(start, Path):
            queue += _imports(start)
        else:
            queue += _files(start)
    while queue:
        path = queue.pop()
        if path not in found and path.parent != Path(__file__).parent:
            found.add(path)
            queue += _imports(path)
            if path == MODELS:
                queue += _files(DEFAULT_MODEL)
    return tuple(sorted(found))


@cache
def digest(*starts: str | Path) -> str:
    """What the `dependencies` of files or modules, and their names, hold: 16 hexadecimal digits of their SHA-256."""
    files = dependencies(*starts)
    seen = hashlib.sha256()
    for path in files:
        seen.update(f"{path.relative_to(SOURCE).as_posix()}\n".encode())
        seen.update(hashlib.sha256(path.read_bytes()).digest())
    found = seen.hexdigest()[:16]
    DIGESTED[found] = files
    return found


@cache
def _files(module: str) -> list[Path]:
    """The file of a module of this package; none for another package's."""
    path = SOURCE.joinpath(*module.split("."))
    return [p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()]


@cache
def _imports(path: Path) -> list[Path]:
    """Files of this package that one file names in its import statements."""
    files: list[Path] = []
    for node in import_statements(path):
        if isinstance(node, ast.Import):
            files += [f for alias in node.names for f in _files(alias.name)]
        elif node.module and not node.level:
            modules = [_files(f"{node.module}.{alias.name}") for alias in node.names]
            files += [f for found in modules for f in found]
            if not all(modules):  # some name is not a module: the package itself defines it
                files += _files(node.module)
    return files


def imported(path: Path) -> set[str]:
    """All names in the import statements of a Python file, inside functions, too: modules, and what is in them."""
    names: set[str] = set()
    for node in import_statements(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@cache
def import_statements(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """
    Import statements anywhere in a Python file, those inside functions, too.

    A line of a text that reads like one counts, and names what is imported elsewhere or what is no module.
    """
    text = path.read_text()
    try:
        nodes = [node for found in STATEMENT.findall(text) for node in ast.parse(found).body]
    except SyntaxError:  # one that goes on in a way of its own
        nodes = list(_statements(ast.parse(text)))
    return tuple(node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)))


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Import statements anywhere below a node; expressions, most of a file's nodes, hold none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not isinstance(child, ast.expr):
            yield from _statements(child)
