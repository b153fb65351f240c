"""The kill test itself: it kills all of a run, goes on, and sees a difference if there is one."""

from __future__ import annotations

import sys
import time

import pandas as pd
import psutil
import pytest
from kill_test import disturbed, kill, start
from same_tables import comparable, differences

COUNTS = """
import pathlib, time
done = pathlib.Path("done")
for i in range(len(done.read_text()) if done.exists() else 0, 40):
    time.sleep(0.05)
    done.write_text("x" * (i + 1))
"""
"""Stands for a pipeline: forty steps that are kept."""


def test_a_killed_run_goes_on_to_the_end(tmp_path):
    told = disturbed(tmp_path, [sys.executable, "-c", COUNTS], kills=3, within=0.6, seed=3)
    assert [word.split(" after")[0] for word in told] == ["kill 1", "kill 2", "kill 3"]
    assert (tmp_path / "done").read_text() == "x" * 40


def test_children_are_killed_too(tmp_path):
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    run = start(tmp_path, [sys.executable, "-c", child], tmp_path / "log")
    while not (children := psutil.Process(run.pid).children(recursive=True)):
        time.sleep(0.02)
    assert kill(run) == 2
    assert not any(process.is_running() and process.status() != "zombie" for process in children)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"method": ["a"], "mean": [1.0], "seconds": [5.0]}, []),
        ({"method": ["a"], "mean": [1.0 + 1e-15], "seconds": [3.0]}, ["results/x.csv differs"]),
        ({"method": ["b"], "mean": [1.0], "seconds": [3.0]}, ["results/x.csv differs"]),
    ],
)
def test_tables_are_compared_to_the_last_bit_but_for_times(tmp_path, table, words):
    for name, rows in (("a", table), ("b", {"method": ["a"], "mean": [1.0], "seconds": [3.0]})):
        (tmp_path / name / "results").mkdir(parents=True)
        pd.DataFrame(rows).to_csv(tmp_path / name / "results/x.csv", index=False)
    found = differences(tmp_path / "a", tmp_path / "b")
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))


def test_a_run_without_tables_is_none(tmp_path):
    assert differences(tmp_path, tmp_path) == ["the run made no table"]


def test_rows_of_times_are_left_out():
    table = pd.DataFrame({"metric": ["mse", "cpu_seconds", "minutes"], "value": [1, 2, 3]})
    assert list(comparable(table)["metric"]) == ["mse"]
