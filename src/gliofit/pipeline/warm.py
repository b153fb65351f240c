"""
One process that has imported what the jobs of a run need, and forks itself for each of them.

Python, numpy, the solver's kernels and torch take 2 to 5 s of a core to be there, in every job: half of a small run.
Snakemake starts a Python for each script all the same. That one writes the job's record (`gliofit.pipeline.records`),
hands it over, and waits; a fork of the warm process runs the script, with the same terminal, folder and environment.

It begins while Snakemake still reads its rules, with what the first jobs import, and gets the rest of the names when
the jobs are known. A job that comes before all is there has its fork after the import that is going on, and imports
what else it needs by itself: a check of scans need not wait for torch.

Only jobs on the machine of the run find the warm process. All others run as if there were none. The two ends of a job
die together: a script whose Python is killed is killed, too. The warm process ends with the run.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from gliofit.pipeline.dependencies import DIGESTED, SOURCE, imported
from gliofit.pipeline.records import recorded

PLACE = "GLIOFIT_WARM"
"""Environment variable of a run's jobs: the warm process's Python, and its socket."""

ENOUGH = 3
"""Jobs of a run that are worth a warm process."""

EARLY = ("gliofit.pipeline.jobs", "snakemake.iocontainers", "nibabel", "scipy.ndimage", "gliofit.patients.preparation")
"""What is imported before anything is known of the jobs: what the first of them need, in a second."""

FIRST = (1, 3)
"""Seconds that the rest of the imports wait for the first job, and for the next: torch's would hold them up longer."""

PATIENCE = 10
"""Seconds that a job waits for a warm process that is not ready; compiling the solver's kernels may take longer."""

LONGEST = 1 << 20
"""Bytes of a message, at most."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""A process with pools of threads cannot be forked. Jobs say themselves how many they use."""


class Warm:
    """The warm process of a run, as the run sees it; it imports what is `EARLY` at once."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gliofit-"))  # for this user alone
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.folder / "socket")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD,
            text=True,
        )
        atexit.register(self.close)

    def prepare(self, sources: Iterable[str | Path], log: str | Path) -> None:
        """
        Tell it what jobs need; it imports that, and then serves them.

        Parameters
        ----------
        sources : iterable of path
            Files of this package that the run's jobs import.
        log : path
            Gets what the process says from now on.
        """
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        told = json.dumps({"modules": modules(sources), "log": str(Path(log).resolve())})
        with suppress(BrokenPipeError):  # it has ended; jobs start by themselves
            print(told, file=self.process.stdin, flush=True)
        os.environ[PLACE] = f"{sys.prefix}:{self.folder / 'socket'}"

    def close(self) -> None:
        """End it; jobs that it runs have ended before."""
        atexit.unregister(self.close)
        os.environ.pop(PLACE, None)
        self.process.kill()  # it may still be importing
        self.process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


def begin(workflow: Any) -> Warm | None:
    """A warm process for a call of Snakemake that may run jobs, as far as that can be told before there are rules."""
    cores = workflow.resource_settings.cores or 0
    return Warm() if workflow.is_main_process and cores > 1 and not workflow.output_settings.dryrun else None


def keep_warm(workflow: Any, log: str | Path, warm: Warm | None = None) -> None:
    """
    Have a warm process serve a run, if that has jobs enough on this machine; it ends when Snakemake does.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        About to run jobs.
    log : path
    warm : Warm, optional
        One that has begun; it ends if the run has no use for it.
    """
    here = workflow.local_exec and not workflow.touch and not workflow.deployment_settings.deployment_method
    # rules without a script of ours have no such parameter
    needed = [DIGESTED.get(job.params.get("sources"), ()) for job in workflow.dag.needrun_jobs()] if here else []
    if sum(map(bool, needed)) >= ENOUGH:
        (warm or Warm()).prepare({path for sources in needed for path in sources}, log)
    elif warm:
        warm.close()


def modules(sources: Iterable[str | Path]) -> list[str]:
    """
    Modules that are in some files of this package, and all that these import, inside functions, too.

    Some names are no modules, but what a module defines.
    """
    ours, others = set(), set()
    for path in map(Path, sources):
        with suppress(ValueError):
            parts = path.resolve().relative_to(SOURCE).with_suffix("").parts
            ours.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
            others |= {name for name in imported(path) if name.split(".")[0] not in sys.stdlib_module_names}
    return [*sorted(ours), *sorted(others - ours)]


def hand_over(record: Path) -> str:
    """
    Let the warm process run the job with this record, and end with its status.

    Returns
    -------
    str
        Why this process must run it by itself; nothing where no process was there to be asked.
    """
    prefix, _, place = os.environ.get(PLACE, "").rpartition(":")
    if not place:
        return ""
    if prefix != sys.prefix:
        return f"it is of the Python in {prefix}"
    given = {"record": str(record), "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        try:
            connection.connect(place)
            socket.send_fds(connection, [json.dumps(given).encode()], [0, 1, 2])
            connection.settimeout(PATIENCE)
            if not connection.recv(1):
                return "it ended before it began with this job"
            connection.settimeout(None)
        except OSError as error:
            return str(error)
        status = connection.recv(1)
    os._exit(status[0] if status else 1)  # killed, if it says nothing


def serve(place: str) -> None:
    """
    Import what is early and what standard input then names; fork for each job until that ends, as it does with the run.

    Parameters
    ----------
    place : path
        Of the socket that jobs come to.
    """
    jobs = _Jobs(place)
    try:
        for name in EARLY:
            with suppress(Exception):  # whoever needs it tries again
                import_module(name)
        if line := sys.stdin.readline():
            _prepare_and_fork(jobs, **json.loads(line))
    finally:  # a run that was killed cannot do it; forks end without
        shutil.rmtree(Path(place).parent, ignore_errors=True)


def _prepare_and_fork(jobs: _Jobs, modules: list[str], log: str) -> None:
    """Import modules, and say what is to be said in a log; fork for the jobs that come meanwhile, and thereafter."""
    _say_in(log)
    for seconds in FIRST:
        jobs.fork_for_one(seconds)
    for name in modules:
        with suppress(ImportError):  # an extra that is not installed, of which the job that needs it speaks
            import_module(name)
        jobs.fork_for_one(0)
    if "gliofit.growth" in modules:
        sys.modules["gliofit.growth"].compile_kernels()
    gc.collect()
    gc.freeze()  # objects that no fork writes to stay shared
    while True:
        jobs.fork_for_one(None)


def _say_in(log: str) -> None:
    """Whatever is said from now on goes to a log."""
    with open(log, "w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)


class _Jobs:
    """Those who come to the socket at `place`, each to have a fork of this process."""

    def __init__(self, place: str) -> None:
        self.began = time.time_ns()
        self.known: dict[str, int] = {}
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(place)
        self.listener.listen(64)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, _reap)

    def fork_for_one(self, seconds: float | None) -> None:
        """
        Fork for a job that waits, or comes within so many seconds (None: whenever that is).

        This process exits if standard input ends, as it does with the run, or if a source is younger than what was
        imported.
        """
        ready, _, _ = select.select([self.listener, sys.stdin], [], [], seconds)
        if sys.stdin in ready:
            sys.exit()
        if not ready:
            return
        connection, _ = self.listener.accept()
        with connection:
            if self._edited():
                sys.exit("sources were edited: later jobs start by themselves, with the new ones")
            if (threads := len(os.listdir("/proc/self/task"))) > 1:
                sys.exit(f"{threads} threads: a process with more than one cannot be forked; jobs start by themselves")
            message, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 3)
            if len(descriptors) == 3 and not os.fork():
                self.listener.close()
                _run(connection, message, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)

    def _edited(self) -> bool:
        """Whether a source of what has been imported was written since this process began, or another time."""
        before, self.known = self.known, _ages()
        other = any(self.known[file] != age for file, age in before.items())
        return other or max(self.known.values(), default=0) > self.began


def _reap(*_: object) -> None:
    """Take note of forks that have ended: their CPU seconds count as this process's, and so as the run's."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _ages() -> dict[str, int]:
    """When the sources that this process has imported were written, ns."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    ours = [file for file in files if file and file.startswith(f"{SOURCE}{os.sep}")]
    return {file: os.stat(file).st_mtime_ns if os.path.exists(file) else 0 for file in ours}


def _run(connection: socket.socket, message: bytes, descriptors: list[int]) -> None:
    """A fork's life: the script, its status said to the Python that waits."""
    status = 1
    try:
        given = json.loads(message)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        connection.send(b"\0")
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # progress is seen in a log
        os.chdir(given["folder"])
        os.environ.clear()
        os.environ.update(given["environment"])
        tempfile.tempdir = None
        threading.Thread(target=_die_with, args=[connection], daemon=True).start()
        snakemake = recorded(given["record"])
        snakemake.warm = True
        runpy.run_path(snakemake.script, init_globals={"snakemake": snakemake}, run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        with suppress(OSError):
            connection.send(bytes([status]))
        os._exit(status)


def _die_with(connection: socket.socket) -> None:
    """End when the other end does; it never says a word."""
    with suppress(OSError):
        connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(sys.argv[1])
