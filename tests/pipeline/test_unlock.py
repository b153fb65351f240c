"""Releasing Snakemake's lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gliofit.base.errors import InputError
from gliofit.pipeline import unlock

ROOT = Path(__file__).parents[2]

WAITING = "rule wait:\n    output: 'made.txt'\n    shell: 'sleep 600'\n"
"""A workflow whose one job is at work until it is killed."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--snakefile", "waiting.smk", "--cores", "1", *arguments]


@pytest.fixture
def killed(tmp_path) -> Path:
    """A folder whose lock a killed Snakemake left behind."""
    (tmp_path / "waiting.smk").write_text(WAITING)
    run = subprocess.Popen(command(), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (unlock.locks(tmp_path) and run.poll() is None and len(unlock.alive(tmp_path)) > 0):
            assert time.monotonic() < deadline, "the run takes no lock"
            time.sleep(0.1)
        with pytest.raises(InputError, match=f"a run is alive here .*{run.pid}"):
            unlock.unlock(tmp_path)
    finally:
        left = unlock.psutil.Process(run.pid).children(recursive=True)
        run.kill()  # its signal handlers have no say, so that the lock stays
        run.wait()
        for process in left:
            process.kill()
        unlock.psutil.wait_procs(left, timeout=10)
    assert unlock.locks(tmp_path)
    return tmp_path


def test_the_lock_of_a_living_run_stays_and_that_of_a_killed_one_is_released(killed):
    said = unlock.unlock(killed)
    assert "released the lock" in said
    assert "squeue --me" in said
    assert unlock.locks(killed) == []
    assert "nothing to release" in unlock.unlock(killed)


def test_a_lock_stays_until_somebody_releases_it(killed):
    """Neither a run that finds it nor a look at the workflow removes it."""
    again = subprocess.run(command(), cwd=killed, capture_output=True, text=True, timeout=100)
    assert again.returncode != 0
    assert "cannot be locked" in again.stdout + again.stderr
    listing = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--list"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run(listing, cwd=killed, env=environment, capture_output=True, check=True, timeout=100)
    assert unlock.locks(killed)


def test_make_unlock_says_what_it_does(tmp_path):
    """`make help` has its line."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert any(line.strip().startswith("make unlock") and "lock" in line for line in done.stdout.splitlines())
