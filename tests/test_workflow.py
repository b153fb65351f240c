"""Dependencies of a script on the package's source, and how jobs end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gliofit import workflow

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow/scripts"


def names(*starts) -> set[str]:
    return {str(path.relative_to(workflow.SOURCE / "gliofit")) for path in workflow.dependencies(*starts)}


def test_dependencies_of_a_module_reach_what_it_imports_inside_functions(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def f():\n    from gliofit import grids\n    import numpy\n")
    assert names(script) == {"grids.py"}


def test_dependencies_follow_imports_of_imports(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from gliofit.nifti import load_volume\n")
    assert {"nifti.py", "errors.py"} <= names(script)


def test_simulations_depend_on_the_solver_and_not_on_figures_or_methods():
    found = names(SCRIPTS / "simulate_shard.py")
    assert {"growth/fisher_kolmogorov.py", "sampling.py", "shards.py", "tissue.py"} <= found
    assert not {name for name in found if name.startswith(("figures", "tables", "inversion", "networks"))}


def test_a_method_depends_on_its_own_module_only():
    found = names(SCRIPTS / "fit_cases.py", "gliofit.inversion.cmaes")
    assert "inversion/cmaes.py" in found
    assert not found & {"inversion/hybrid.py", "inversion/gauss_newton.py", "metrics.py", "config.py"}


@pytest.fixture
def run(tmp_path):
    """Run a body under `job` in a process of its own: (status, what the terminal shows, the log)."""

    def run(body: str) -> tuple[int, str, str]:
        log = tmp_path / "logs" / "rule.log"
        lines = [
            "from types import SimpleNamespace as S",
            "from gliofit.workflow import job",
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
    status, terminal, log = run("from gliofit.errors import InputError\nraise InputError('scan.nii.gz: no such file')")
    assert status == 1
    assert terminal == "Error in rule: scan.nii.gz: no such file\n"
    assert "Traceback" in log


def test_any_other_error_names_the_log(run):
    status, terminal, log = run("1 / 0")
    assert status == 1
    assert terminal.startswith("Error in rule: ZeroDivisionError: division by zero (see ")
    assert terminal.count("\n") == 1
    assert "1 / 0" in log or "ZeroDivisionError" in log


@pytest.fixture
def lock(tmp_path, monkeypatch) -> Path:
    """Snakemake's lock in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".snakemake/locks/0.input.lock"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_the_lock_of_a_living_run_stays(lock):
    workflow.own_lock()
    workflow.release_stale_lock()
    assert lock.exists()


def test_the_lock_of_a_killed_run_is_released(lock):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    workflow.own_lock()
    owner = workflow.read_json(workflow.OWNER)
    workflow.write_json(workflow.OWNER, {**owner, "pid": dead.pid})
    workflow.release_stale_lock()
    assert not lock.exists()


def test_the_lock_of_another_machine_stays(lock):
    workflow.write_json(workflow.OWNER, {"host": "elsewhere", "pid": 1})
    workflow.release_stale_lock()
    assert lock.exists()


def test_a_lock_that_nobody_noted_stays(lock):
    workflow.release_stale_lock()
    assert lock.exists()
