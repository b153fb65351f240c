"""What a run would take, by what its rules ask for and by what of it is done."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gliofit.pipeline.planned import Job, job_of, summary, told

ROOT = Path(__file__).parents[2]


def job(rule="fit_cases", kind="lmi", threads=2, hours=3.0, **measured) -> Job:
    return Job(rule, kind, threads, 0, 1500, hours, **measured)


def test_finished_jobs_tell_what_others_of_their_kind_take():
    jobs = [job(cpu_hours=1.0, disk=10**9), job(cpu_hours=2.0, disk=3 * 10**9), job(), job(kind="gliodil")]
    (row,) = summary(jobs).to_dict("records")
    assert (row["jobs"], row["done"], row["told"]) == (4, 2, 3)
    assert row["core_hours"] == 4 * 2 * 3.0
    assert row["cpu_hours"] == pytest.approx(3 * 1.5)
    assert row["disk_gb"] == pytest.approx(3 * 2.0)
    assert "By the 2 jobs of this run that are done, 3 jobs of their kinds take 4.5 CPU-hours" in told(summary(jobs))


def test_without_finished_jobs_only_what_is_asked_for_is_told():
    table = summary([job(), job("score", "")])
    assert math.isnan(table["cpu_hours"].sum(min_count=1))
    assert "at most: 12 core-hours" in told(table)
    assert "No job of this run is done" in told(table)


def test_a_job_that_is_done_is_measured_by_its_own_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    about = {
        "rule_name": "fit_cases",
        "wildcards": {"method": "lmi", "first": "0"},
        "resources": {"mem_mb": 3000, "runtime": 90, "gpu": 1},
        "threads": 2,
        "output": ["results/a.json", "results/b"],
        "log": ["results/logs/a.log"],
    }
    assert job_of(about, done=True) == Job("fit_cases", "lmi", 2, 1, 3000, 1.5)
    (tmp_path / "results/benchmarks").mkdir(parents=True)
    (tmp_path / "results/b").mkdir()
    (tmp_path / "results/a.json").write_text("1234")
    (tmp_path / "results/b/c").write_text("56")
    (tmp_path / "results/benchmarks/a.tsv").write_text("s\tcpu_time\tmax_rss\n9\t7200\t1\n")
    found = job_of(about, done=True)
    assert (found.cpu_hours, found.disk) == (2.0, 6)
    found = job_of(about, done=False)
    assert (found.cpu_hours, found.disk) == (None, None)


def ran(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "gliofit.pipeline.planned", "--directory", str(folder), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_plan_of_the_quick_config(tmp_path):
    (tmp_path / "results/benchmarks/save_config").mkdir(parents=True)  # of another run
    done = ran("--configfile", "config/quick.yaml", folder=Path(os.path.relpath(tmp_path, ROOT)))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["rule", "jobs"]
    of_rule = {line.split()[0]: line.split()[1] for line in lines[1 : lines.index("")]}
    assert of_rule["simulate_shard"] == "3"
    assert of_rule["train_network"] == "4"
    total = sum(int(number.replace(",", "")) for number in of_rule.values())
    assert f"{total:,} jobs. What rules ask for, and so at most: " in done.stdout
    assert "No job of this run is done" in done.stdout
    assert [path.name for path in tmp_path.glob("results/*")] == ["benchmarks"]


def test_a_plan_of_targets_alone(tmp_path):
    """Which come last, behind two dashes."""
    done = ran("--configfile", "config/quick.yaml", "--", "results/config.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 jobs. What rules ask for" in done.stdout


def test_a_plan_of_bad_input_is_one_sentence(tmp_path):
    done = ran("--config", "spacing=-1", folder=tmp_path)
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if line.startswith("Error: ") and "spacing" in line]
    assert "Traceback" not in done.stderr
    assert "jobs" not in done.stdout
