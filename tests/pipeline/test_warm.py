"""One process for many scripts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import yaml

from gliofit.pipeline.dependencies import SOURCE
from gliofit.pipeline.warm import PLACE, Warm, modules

SCRIPT = """
import os
from gliofit.pipeline.jobs import job

with job(snakemake):
    from pathlib import Path
    print("said by the script")
    os.system("echo by a program")
    Path(snakemake.output.text).write_text(f"{os.getppid()} {snakemake.params.pair} {os.environ['OF_THE_JOB']}")
    if snakemake.params.fault:
        raise ValueError("found a fault")
    Path("started").touch()
    if snakemake.params.long:
        import time
        time.sleep(60)
"""


def started(log: Path) -> Warm:
    """A warm process that is ready, however long that takes: jobs do not wait for ever."""
    process = Warm()
    process.prepare([sys.modules["gliofit.base.errors"].__file__], log)
    while not (process.folder / "socket").exists():
        assert process.process.poll() is None
        time.sleep(0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(str(process.folder / "socket"))
        connection.send(b"no job")
        assert connection.recv(1) == b""
    return process


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A warm process, with the variable in the environment that tells jobs of it."""
    before = dict(os.environ)
    process = started(tmp_path_factory.mktemp("warm") / "warm.log")
    yield process
    process.close()
    assert PLACE not in os.environ
    os.environ.update(before)


def python_of(folder, fault=False, long=False, **environment) -> subprocess.Popen:
    """The Python that Snakemake starts for a script."""
    (folder / "script.py").write_text(SCRIPT)
    lists = {"output": {"entries": ["out.txt"], "names": {"text": [0, None]}}}
    lists["log"] = {"entries": ["logs/rule/job.log"], "names": {}}
    names = {"pair": [0, None], "fault": [1, None], "long": [2, None]}
    lists["params"] = {"entries": [(1, "two"), fault, long], "names": names}
    lists |= {name: {"entries": [], "names": {}} for name in ("input", "wildcards", "resources")}
    about = {"rule": "rule", "script": str(folder / "script.py"), "threads": 1, **lists}
    (folder / "given.yaml").write_text(yaml.dump(about))
    start = """
        import runpy
        from gliofit.pipeline.records import recorded
        runpy.run_path("script.py", init_globals={"snakemake": recorded("given.yaml")}, run_name="__main__")
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(start)],
        cwd=folder,
        env=os.environ | {"OF_THE_JOB": "its own"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_script_runs_in_a_fork_as_it_would_by_itself(warm, tmp_path):
    job = python_of(tmp_path)
    said, _ = job.communicate(timeout=60)
    assert (job.returncode, said) == (0, "")
    assert (tmp_path / "out.txt").read_text() == f"{warm.process.pid} (1, 'two') its own"
    assert (tmp_path / "logs/rule/job.log").read_text() == "said by the script\nby a program\n"
    assert (tmp_path / "benchmarks/rule/job.tsv").read_text().startswith("s\tcpu_time\tmax_rss\n")
    alone = python_of(tmp_path, **{PLACE: ""})
    alone.communicate(timeout=60)
    assert (tmp_path / "out.txt").read_text() == f"{os.getpid()} (1, 'two') its own"


@pytest.mark.parametrize("place", ["/no/prefix:/no/socket", f"{sys.prefix}:/no/socket"])
def test_a_script_runs_by_itself_where_the_warm_process_is_of_another_python_or_gone(tmp_path, place):
    job = python_of(tmp_path, **{PLACE: place})
    assert job.communicate(timeout=60)[0] == ""
    assert (tmp_path / "out.txt").read_text().startswith(f"{os.getpid()} ")
    assert (tmp_path / "logs/rule/job.log").read_text().startswith("Not run by the run's warm process: ")


def test_a_fault_is_one_line_on_the_terminal_and_a_status(warm, tmp_path):
    job = python_of(tmp_path, fault=True)
    said, _ = job.communicate(timeout=60)
    assert job.returncode == 1
    assert said == "Error in rule: ValueError: found a fault (see logs/rule/job.log)\n"
    assert (tmp_path / "out.txt").read_text().startswith(f"{warm.process.pid} ")
    assert (tmp_path / "logs/rule/job.failed.json").is_file()


def test_a_script_is_killed_with_the_python_that_waits_for_it(warm, tmp_path):
    job = python_of(tmp_path, long=True)
    for _ in range(300):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.1)
    (script,) = psutil.Process(warm.process.pid).children()
    job.kill()
    job.communicate(timeout=60)
    psutil.wait_procs([script], timeout=30)
    assert not script.is_running()


def test_edited_sources_are_seen_by_later_jobs(tmp_path, monkeypatch):
    shutil.copytree(SOURCE / "gliofit", tmp_path / "src/gliofit", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    monkeypatch.setenv(PLACE, "")
    process = started(tmp_path / "warm.log")
    try:
        place = os.environ[PLACE]
        for edited in (False, True):
            python_of(tmp_path, **{PLACE: place}).communicate(timeout=60)
            parent = process.process.pid if not edited else os.getpid()
            assert (tmp_path / "out.txt").read_text().startswith(f"{parent} ")
            os.utime(tmp_path / "src/gliofit/base/errors.py")
        assert "sources were edited" in (tmp_path / "warm.log").read_text()
    finally:
        process.close()


def test_nothing_is_left_of_a_run_that_was_killed(tmp_path, monkeypatch):
    monkeypatch.setenv(PLACE, "")  # which the tests' own warm process is told by
    process = started(tmp_path / "warm.log")
    process.process.stdin.close()  # as the end of the run does, however it comes
    assert process.process.wait(timeout=60) == 0
    assert not process.folder.exists()
    process.process.stdin = None
    process.close()


def test_what_a_file_imports_is_imported_inside_functions_too():
    files = [sys.modules["gliofit.base.errors"].__file__, SOURCE / "gliofit/base/threads.py", "workflow/scripts/x.py"]
    names = modules(files)
    assert names[:2] == ["gliofit.base.errors", "gliofit.base.threads"]
    assert {"torch", "gliofit.base.vector_math"} <= set(names)
    assert "contextlib" not in names
