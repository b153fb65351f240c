"""What is told of the source that computes a result."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import gliofit
from gliofit.base import versions

ROOT = Path(__file__).parents[2]


def told(folder: Path) -> str:
    """The source that a process tells whose package lies in a folder."""
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); from gliofit.base.versions import source; print(*source())"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def copied(folder: Path) -> Path:
    """What the module needs, as a package of its own."""
    package = folder / "src/gliofit/base"
    package.mkdir(parents=True)
    for path in (package.parent / "__init__.py", package / "__init__.py"):
        path.write_text("")
    (package / "versions.py").write_bytes(Path(versions.__file__).read_bytes())
    return folder / "src"


def test_commit_and_changes_are_told_apart(tmp_path):
    source = copied(tmp_path)
    git(tmp_path, "init", "-q")
    assert told(source)[:2] == ["None", "False"]  # in a repository, but not of it
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "README.md").write_text("no result comes from this")
    clean = told(source)
    assert clean[:2] == [commit, "False"]
    (source / "gliofit/new.py").write_text("a = 1\n")
    changed = told(source)
    assert changed[:2] == [commit, "True"]
    assert changed[2] != clean[2]
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "second")
    later = told(source)
    assert later[0] != commit
    assert later[1:] == ["False", changed[2]]  # the same files, committed


def test_versions_leave_out_what_is_not_installed():
    assert set(versions.versions("numpy", "no-such-package")) == {"numpy"}
    assert {"python", "gliofit", "torch"} <= set(versions.versions())


def test_the_version_is_the_same_wherever_it_is_written():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)[1]
    assert {project["version"], citation["version"], newest} == {gliofit.__version__}


def test_moved_paths_of_the_changelog_lead_somewhere():
    rows = re.findall(
        r"^\| .*`gliofit\.[\w.]+` \| `gliofit\.([\w.]+)`(?: \||,)", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert len(rows) > 80
    for module in rows:
        path = ROOT.joinpath("src/gliofit", *module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), module
