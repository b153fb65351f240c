"""How jobs end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


@pytest.fixture
def run(tmp_path):
    """Run a body under `job` in a process of its own: (status, what the terminal shows, the log)."""

    def run(body: str) -> tuple[int, str, str]:
        log = tmp_path / "logs" / "rule.log"
        lines = [
            "from types import SimpleNamespace as S",
            "from gliofit.pipeline.jobs import job",
            f"with job(S(rule='rule', log=[{str(log)!r}])):",
            textwrap.indent(body, "    "),
        ]
        done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr, log.read_text()

    return run


def test_output_of_a_job_goes_to_its_log(run):
    status, terminal, log = run("import os\nprint('from Python')\nos.system('echo from below')")
    assert (status, terminal) == (0, "")
    assert "from Python" in log
    assert "from below" in log


def test_bad_input_ends_in_one_sentence(run):
    status, terminal, log = run(
        "from gliofit.base.errors import InputError\nraise InputError('scan.nii.gz: no such file')"
    )
    assert status == 1
    assert terminal == "Error in rule: scan.nii.gz: no such file\n"
    assert "Traceback" in log


def test_any_other_error_names_the_log(run):
    status, terminal, log = run("1 / 0")
    assert status == 1
    assert terminal.startswith("Error in rule: ZeroDivisionError: division by zero (see ")
    assert terminal.count("\n") == 1
    assert "1 / 0" in log or "ZeroDivisionError" in log


def test_where_nothing_can_be_written_one_sentence_says_so(tmp_path):
    (tmp_path / "logs").write_text("no folder")
    log = str(tmp_path / "logs" / "rule.log")
    lines = [
        "from types import SimpleNamespace as S",
        "from gliofit.pipeline.jobs import job",
        f"with job(S(rule='rule', log=[{log!r}])):",
        "    pass",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error in rule: {tmp_path / 'logs'}: nothing can be written there")
    assert done.stderr.count("\n") == 1


def test_no_rule_measures_its_jobs_beside_what_they_record():
    """Snakemake's `benchmark:` sees the Python that waits for the warm process, and would write to the same file."""
    rules = Path(__file__).parents[2] / "workflow" / "rules"
    assert not [path.name for path in sorted(rules.glob("*.smk")) if "benchmark:" in path.read_text()]
