"""What the terminal shows of failed jobs, and which of them are tried again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"

SNAKEFILE = """
from snakemake.logging import logger
from gliofit.pipeline.failures import NoSecondAttempt, forget, report

onstart:
    forget("logs")
    logger.addFilter(NoSecondAttempt(workflow))

onerror:
    report(workflow.scheduler.failed)

rule all:
    input: "bad.txt", "elsewhere.txt", "broken.txt", "killed.txt", "fine.txt", "after.txt"

rule after:
    input: "ahead.txt"
    output: "after.txt"
    log: "logs/after.log"
    script: "after.py"
"""

RULE = """
rule {name}:
    output: "{name}.txt"
    log: "logs/{name}.log"
    retries: 2
    script: "{name}.py"
"""

SCRIPTS = {
    "bad": "raise InputError('scan.nii.gz: no such file')",
    # as on a cluster, where a job's standard error is a file
    "elsewhere": "raise InputError('seg.nii.gz: label 7\\nis unknown')",
    "broken": "1 / 0",
    "killed": "os.kill(os.getpid(), 9)",
    "fine": "open(snakemake.output[0], 'w').close()",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """A run of jobs that fail in every way, as quiet as Snakemake can be."""
    folder = tmp_path_factory.mktemp("failing")
    (folder / "Snakefile").write_text(SNAKEFILE + "".join(RULE.format(name=name) for name in SCRIPTS))
    for name, body in SCRIPTS.items():
        aside = (
            "os.dup2(os.open('terminal.txt', os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2)" if name == "elsewhere" else ""
        )
        lines = [
            "import os",
            "from gliofit.base.errors import InputError",
            "from gliofit.pipeline.jobs import job",
            f"open('attempts-{name}', 'a').write('x')",
            aside,
            "with job(snakemake):",
            f"    {body}",
        ]
        (folder / f"{name}.py").write_text("\n".join(lines))
    (folder / "ahead.txt").write_text("of a machine whose clock is wrong")
    os.utime(folder / "ahead.txt", (time.time() + 7200,) * 2)
    (folder / "after.py").write_text("open(snakemake.output[0], 'w').close()")
    (folder / "logs").mkdir()
    (folder / "logs" / "fine.failed.json").write_text("of an earlier run")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--keep-going", "--quiet", "all"]
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return folder, done


def test_each_failed_job_has_one_line(run):
    folder, done = run
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error in ")]
    assert lines.count("Error in bad: scan.nii.gz: no such file") == 1
    assert lines.count("Error in elsewhere: seg.nii.gz: label 7 is unknown") == 1
    assert [line for line in lines if line.startswith("Error in killed: ended without a word")] == [
        "Error in killed: ended without a word, as when killed, or out of memory or time (see logs/killed.log)"
    ]
    broken = [line for line in lines if line.startswith("Error in broken: ")]
    assert set(broken) == {"Error in broken: ZeroDivisionError: division by zero (see logs/broken.log)"}
    assert len(broken) == 3  # one for each attempt
    assert [line for line in lines if "Error in after: ahead.txt: written in the future" in line]
    assert len(lines) == 7
    assert "Traceback" not in done.stderr
    assert "seg.nii.gz" in (folder / "terminal.txt").read_text()


def test_bad_input_is_not_tried_again(run):
    folder, _ = run
    attempts = {name: len((folder / f"attempts-{name}").read_text()) for name in SCRIPTS}
    assert attempts == {"bad": 1, "elsewhere": 1, "broken": 3, "killed": 3, "fine": 1}


def test_notes_of_earlier_runs_are_forgotten(run):
    folder, _ = run
    assert sorted(path.name for path in (folder / "logs").glob("*.failed.json")) == [
        "bad.failed.json",
        "broken.failed.json",
        "elsewhere.failed.json",
    ]


def test_the_log_ends_with_the_sentence(run):
    folder, _ = run
    assert (folder / "logs/bad.log").read_text().splitlines()[-1] == "Error in bad: scan.nii.gz: no such file"
