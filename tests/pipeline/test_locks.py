"""Snakemake's lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gliofit.base.files import read_json, write_json
from gliofit.pipeline import locks


@pytest.fixture
def lock(tmp_path, monkeypatch) -> Path:
    """Snakemake's lock in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".snakemake/locks/0.input.lock"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_the_lock_of_a_living_run_stays(lock):
    locks.own_lock()
    locks.release_stale_lock()
    assert lock.exists()


def test_the_lock_of_a_killed_run_is_released(lock):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    locks.own_lock()
    owner = read_json(locks.OWNER)
    write_json(locks.OWNER, {**owner, "pid": dead.pid})
    locks.release_stale_lock()
    assert not lock.exists()


def test_the_lock_of_another_machine_stays(lock):
    write_json(locks.OWNER, {"host": "elsewhere", "pid": 1})
    locks.release_stale_lock()
    assert lock.exists()


def test_a_lock_that_nobody_noted_stays(lock):
    locks.release_stale_lock()
    assert lock.exists()
