"""What computed a result: versions of packages, the source, and the machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

PACKAGES = ("gliofit", "numpy", "scipy", "numba", "torch", "antspyx", "cma", "snakemake")
"""Packages that results depend on."""

PACKAGE = Path(__file__).parents[1]
"""The folder of this package."""

TRACKED = ("src", "workflow", "Snakefile", "resources", "envs")
"""What results come from: a change elsewhere in the repository (docs, tests) leaves it clean."""


class Source(NamedTuple):
    """
    The source that computed a result.

    Parameters
    ----------
    commit : str, optional
        Of the repository that the package lies in; None where it is installed outside one.
    changed : bool
        Whether files that results come from differed from that commit.
    sha256 : str
        Of the package's files, the first 16 digits: equal sources are told as such whatever their commits.
    """

    commit: str | None
    changed: bool
    sha256: str


def versions(*packages: str) -> dict[str, str]:
    """Versions of the named packages, or of Python and `PACKAGES`; those that are not installed are left out."""
    found = {} if packages else {"python": platform.python_version()}
    for name in packages or PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def source() -> Source:
    """The source that runs now."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix in (".py", ".json", ".csv", ".html", ".css"):
            digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    # a package that lies in somebody's repository without being of it has no commit
    mine = _git("ls-files", "--error-unmatch", Path(__file__).name, folder=Path(__file__).parent)
    commit = _git("rev-parse", "HEAD") if mine else None
    changes = _git("status", "--porcelain", "--", *(f":(top){name}" for name in TRACKED)) if commit else None
    return Source(commit, bool(changes), digest.hexdigest()[:16])


def machine() -> str:
    """Processor, cores and system, without the host's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} logical cores, {platform.system()}"


def made_by() -> dict[str, Any]:
    """What makes a result now, JSON-ready: versions, source (`Source`) and machine."""
    return {"versions": versions(), "source": source()._asdict(), "machine": machine()}


def _git(*arguments: str, folder: Path = PACKAGE) -> str | None:
    """What git says; None where there is no git, no repository, or nothing that was asked for."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
