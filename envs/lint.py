"""
`make lint-recipes`: hadolint on the Dockerfiles, shellcheck on shell scripts and on what the Apptainer recipe runs.

A recipe's sections must be Apptainer's, and what it copies must be there. No linter for such recipes is to be had.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BIN = Path(sys.executable).parent

SECTIONS = {
    "arguments",
    "setup",
    "files",
    "environment",
    "post",
    "runscript",
    "startscript",
    "test",
    "labels",
    "help",
}
"""Of a definition file (Apptainer 1.3)."""

SCRIPTS = {"setup", "environment", "post", "runscript", "startscript", "test"}
"""Those that a shell runs."""

HADOLINT = ["--no-color", "--ignore", "DL3008"]
"""Debian drops old versions of its packages, so that a recipe which pins them cannot be built a year later."""


def sections(recipe: str) -> dict[str, str]:
    """A definition file's sections by name; what comes before the first is its header, ""."""
    header, *parts = re.split(r"^%(\w+).*\n", recipe, flags=re.MULTILINE)
    found = {"": header}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        found[name] = found.get(name, "") + body
    return found


def faults(recipe: Path) -> list[str]:
    """What a definition file has wrong, but for its scripts."""
    found, parts = [], sections(recipe.read_text())
    keys = dict(re.findall(r"^(\w+): *(.+)$", parts[""], re.MULTILINE))
    found += [f"{recipe.name}: the header has no '{key}'" for key in ("Bootstrap", "From") if key not in keys]
    found += [f"{recipe.name}: there is no section %{name}" for name in parts.keys() - SECTIONS - {""}]
    copied = [line.split()[0] for line in parts.get("files", "").splitlines() if line.strip()]
    return found + [f"{recipe.name}: {path} is not there" for path in copied if not (ROOT / path).exists()]


def shell_scripts() -> list[Path]:
    """All of the project."""
    found = [ROOT / ".ci/run"]
    for folder in ("benchmarks", "envs", "findings", "tests", "workflow"):
        found += sorted((ROOT / folder).rglob("*.sh"))
    return found


def run(program: str, *arguments: str, told: str | None = None) -> bool:
    """A linter; whether it is content."""
    return subprocess.run([BIN / program, *arguments], cwd=ROOT, input=told, text=True).returncode == 0


def main(recipes: Sequence[Path], dockerfiles: Sequence[Path]) -> int:
    good = run("hadolint", *HADOLINT, *map(str, dockerfiles))
    good &= run("shellcheck", *map(str, shell_scripts()))
    for recipe in recipes:
        for fault in faults(recipe):
            good = False
            print(fault)
        for name, body in sections(recipe.read_text()).items():
            if name in SCRIPTS:
                good &= run("shellcheck", "--shell=sh", "-", told=body)
    print("the recipes are good" if good else "the recipes have faults")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main(sorted(HERE.glob("*.def")), sorted(HERE.glob("*Dockerfile"))))
