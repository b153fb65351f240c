"""Snakemake in a folder of its own, by dry runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TINY = """
spacing: 4
train: true
samples: {train: 2, validation: 2, shards: 1}
test_cases: {number: 2, unseen_anatomy: 0, out_of_range: 0}
gliodil_synthetic: {number: 1}
cohort: {number: 1}
methods: {cmaes_surrogate: false, gb_surrogate: false, gb_surrogate_com: false, hybrid: false, hybrid_gn: false}
"""


class Clone:
    """What a fresh clone has of the workflow, whatever has been run in this one, with source of its own to edit."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("workflow", "config", "src", "profiles", "envs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        # not what a run downloads beside them; and nothing writes to them
        shutil.copytree(ROOT / "resources/weights", folder / "resources/weights", copy_function=_link)
        shutil.copy(ROOT / "Snakefile", folder)
        (folder / "tiny.yaml").write_text(TINY)

    def copy(self, folder: Path) -> Clone:
        """This clone elsewhere, with its results, their provenance and all times: to edit."""
        shutil.copytree(self.folder / "resources/weights", folder / "resources/weights", copy_function=_link)
        ignore = lambda at, names: {"weights"} & set(names) if Path(at).name == "resources" else set()  # noqa: E731
        shutil.copytree(self.folder, folder, ignore=ignore, dirs_exist_ok=True)
        twin = Clone.__new__(Clone)
        twin.folder = folder
        return twin

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake here, with this copy's package."""
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def planned(self, *arguments: str) -> list[tuple[str, str]]:
        """Rule and outputs of every job that a dry run of the tiny config lists."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        # jobs of a group are indented
        return re.findall(r"^ *Job \d+: (\w+) → ?(.*)", done.stdout + done.stderr, re.M)

    def finish(self) -> None:
        """Pretend that the tiny config has been run: every output is there, with the provenance of a real run."""
        summary = self.snakemake("--summary", "--configfile", "tiny.yaml").stdout.splitlines()
        header = next(i for i, line in enumerate(summary) if line.startswith("output_file"))
        for line in summary[header + 1 :]:
            path = self.folder / line.split("\t")[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("made\n")
        done = self.snakemake("--touch", "--configfile", "tiny.yaml")
        assert done.returncode == 0, done.stdout + done.stderr


def _link(source: str, target: str) -> None:
    """A second name for a file, or a copy where there can be none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Clone:
    """A clone where nothing has been run; for dry runs, which leave it so."""
    return Clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def _finished_once(tmp_path_factory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("finished"))
    clone.finish()
    return clone


@pytest.fixture
def finished(_finished_once, tmp_path) -> Clone:
    """A clone where the tiny config counts as run; the test's own."""
    return _finished_once.copy(tmp_path / "finished")
