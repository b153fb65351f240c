"""What the workflow needs beside the science: which source a script's results depend on, logs, and ends of jobs."""

from __future__ import annotations

import ast
import json
import os
import platform
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from gliofit.errors import InputError
from gliofit.files import write_text

SOURCE = Path(__file__).parents[1]
"""The folder that holds the package."""


def dependencies(*starts: str | Path) -> list[Path]:
    """
    Source files of this package that the given files or modules import, directly or through one another.

    Imports inside functions count. Declared as a rule's inputs, they make the rule run again when its science changes
    and only then. This module itself does not count: it changes no result.

    Parameters
    ----------
    *starts : path or str
        Python files, or modules such as "gliofit.inversion.hybrid" (which then count themselves).

    Returns
    -------
    list of Path
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
        if path not in found:
            found.add(path)
            queue += _imports(path)
    return sorted(found - {Path(__file__)})


def _files(module: str) -> list[Path]:
    """The file of a module of this package; none for another package's."""
    path = SOURCE.joinpath(*module.split("."))
    return [p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()]


@cache
def _imports(path: Path) -> list[Path]:
    """Files of this package that one file names in its import statements."""
    files: list[Path] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            files += [f for alias in node.names for f in _files(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [_files(f"{node.module}.{alias.name}") for alias in node.names]
            files += [f for found in modules for f in found]
            if not all(modules):  # some name is not a module: the package itself defines it
                files += _files(node.module)
    return files


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """
    Run a rule's script with all its output, of C++ libraries too, in the rule's log.

    Bad input ends with its one sentence on the terminal; any other exception with one line that names the log, where
    the traceback is. Either way the process exits with status 1.
    """
    path = Path(str(snakemake.log[0]))
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("w", buffering=1) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
            sys.stdout.flush()
            sys.stderr.flush()
        except Exception as error:
            sys.stdout.flush()
            traceback.print_exc(file=log)
            log.flush()
            what = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error} (see {path})"
            os.write(terminal, f"Error in {snakemake.rule}: {what}\n".encode())
            os._exit(1)  # a plain exit would have Snakemake's wrapper print the traceback again


def versions() -> dict[str, str]:
    """Versions of what computed a result."""
    names = ("gliofit", "numpy", "numba", "torch")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def write_json(path: str | Path, values: Any) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


OWNER = Path(".snakemake/gliofit-owner.json")
"""Which process holds Snakemake's lock of this folder."""


def own_lock() -> None:
    """Note that this process holds the lock; called when a run starts."""
    write_json(OWNER, {"host": platform.node(), "pid": os.getpid()})


def release_stale_lock() -> None:
    """
    Remove the lock that a killed run of this machine left behind, so that repeating the command goes on.

    A lock stays if it is newer than the note of `own_lock`, of another machine, or if a process of that number lives.
    """
    locks = list(OWNER.parent.glob("locks/*.lock"))
    if not (locks and OWNER.is_file()) or max(p.stat().st_mtime for p in locks) > OWNER.stat().st_mtime:
        return
    owner = read_json(OWNER)
    if owner["host"] == platform.node() and not _alive(owner["pid"]):
        for lock in locks:
            lock.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
