"""A job's script, run again outside Snakemake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gliofit.base.errors import InputError
from gliofit.pipeline.rerun import rerun

SOURCE = Path(__file__).parents[2] / "src"

SNAKEFILE = """
rule make:
    input: first="a.txt", rest=["b.txt", "c.txt"]
    output: text="made/out.txt", other="made/other.txt"
    log: "logs/make/one.log"
    threads: 1
    params:
        shares={4: 0.5, 2: 0.25},
        pair=(1, "two"),
        number=7,
        checkpoint="made/checkpoint.pt",
    script: "make.py"
"""

SCRIPT = """
from pathlib import Path
from gliofit.pipeline.jobs import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    lines = [files.first, list(files.rest), files[1], params.shares, params.pair, params.number, snakemake.threads]
    lines += [params.get("absent"), len(files), snakemake.rule]
    print("said by the script")
    Path(snakemake.output.text).write_text(repr(lines))
    Path(params.checkpoint).write_text(Path(snakemake.output[1]).name)
    Path(snakemake.output.other).touch()
    if Path("fault").exists():
        raise ValueError("found a fault")
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "make.py").write_text(SCRIPT)
    for name in "abc":
        (tmp_path / f"{name}.txt").touch()
    return tmp_path


def run(folder: Path, module: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=given, capture_output=True, text=True, timeout=200
    )
    return done


def test_a_job_runs_again_as_it_was_given(folder):
    done = run(folder, "snakemake", "--cores", "1", "made/out.txt")
    assert done.returncode == 0, done.stderr
    made = (folder / "made/out.txt").read_text()
    assert made == "['a.txt', ['b.txt', 'c.txt'], 'b.txt', {4: 0.5, 2: 0.25}, (1, 'two'), 7, 1, None, 3, 'make']"
    (folder / "made/checkpoint.pt").write_text("of the run")
    again = run(folder, "gliofit.pipeline.rerun", "logs/make/one.job.yaml", "--to", "again")
    assert again.returncode == 0, again.stderr
    assert "said by the script" in again.stdout
    assert (folder / "again/made/out.txt").read_text() == made
    # nothing of the run is touched
    assert (folder / "again/made/checkpoint.pt").read_text() == "other.txt"
    assert (folder / "made/checkpoint.pt").read_text() == "of the run"


def test_a_failed_job_shows_its_traceback_and_opens_the_debugger(folder):
    (folder / "fault").touch()
    assert run(folder, "snakemake", "--cores", "1", "made/out.txt").returncode != 0
    record = "logs/make/one.job.yaml"
    again = run(folder, "gliofit.pipeline.rerun", record)
    assert again.returncode == 1
    assert "ValueError: found a fault" in again.stderr
    debugged = run(folder, "gliofit.pipeline.rerun", record, "--pdb", given="p params.number + 1\nq\n")
    assert "(Pdb)" in debugged.stdout
    assert "8" in debugged.stdout


def test_a_missing_record_is_named(folder):
    done = run(folder, "gliofit.pipeline.rerun", "no.job.yaml")
    assert done.returncode == 1
    assert "no.job.yaml: no such record of a job" in done.stderr


@pytest.mark.parametrize("content", [b"", b"3", b"a: [", b"rule: make", b"\xbc\xff"])
def test_what_is_no_record_is_named(tmp_path, content):
    path = tmp_path / "one.job.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"one\.job\.yaml: is no record of a job"):
        rerun(path, tmp_path)
