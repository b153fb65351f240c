"""How a rule's script runs: where, its log, its end, its time and memory, and the record to run it again from."""

from __future__ import annotations

import os
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError
from gliofit.base.files import write_text
from gliofit.pipeline.failures import Failure, note
from gliofit.pipeline.records import record
from gliofit.pipeline.warm import hand_over


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """
    Run a rule's script with all its output, of C++ libraries too, in the rule's log.

    Bad input ends with its one sentence on the terminal; any other exception with one line that names the log, where
    the traceback is. Either way the process exits with status 1, and a `Failure` beside the log says why: on a cluster
    the terminal of a job is a file that nobody reads. What the script was given is recorded beside the log, too; under
    `python -m gliofit.pipeline.rerun`, which reads it, the script keeps the terminal and its exceptions.

    If the run has a warm process (`gliofit.pipeline.warm`), that runs the script, and this process only waits. Time and
    memory of a job that went well are written by whoever ran it.
    """
    if getattr(snakemake, "rerun", False):
        yield
        return
    path = Path(str(snakemake.log[0]))
    started = time.perf_counter()
    alone = ""
    if not getattr(snakemake, "warm", False):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = record(snakemake, path)
            note(path).unlink(missing_ok=True)  # of an earlier attempt
        except OSError as error:  # a full disk, or one that is not to be written on
            os.write(2, f"Error in {snakemake.rule}: {path.parent}: nothing can be written there ({error})\n".encode())
            os._exit(1)
        sys.stdout.flush()
        sys.stderr.flush()
        if kept:
            alone = hand_over(kept)
    terminal = os.dup(2)
    with path.open("w", buffering=1) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        if alone:
            log.write(f"Not run by the run's warm process: {alone}.\n")
        try:
            yield
            sys.stdout.flush()
            sys.stderr.flush()
            write_text(usage_path(path), usage(time.perf_counter() - started))
        except Exception as error:
            hopeless = isinstance(error, InputError)
            what = str(error) if hopeless else f"{type(error).__name__}: {error} (see {path})"
            failure = Failure.here(f"Error in {snakemake.rule}: {what}", hopeless, terminal)
            os.write(terminal, f"{failure.sentence}\n".encode())
            with suppress(OSError):  # a full disk has no room for the log either
                failure.save(path)
                sys.stdout.flush()
                traceback.print_exception(error, file=log)
                log.write(f"{failure.sentence}\n")
                log.flush()
            os._exit(1)  # a plain exit would have Snakemake's wrapper print the traceback again


def usage_path(log: str | Path) -> Path:
    """Where time and memory of the job with this log are: in the folder benchmarks beside that of logs."""
    parts = ["benchmarks" if part == "logs" else part for part in Path(log).with_suffix(".tsv").parts]
    return Path(*parts)


def usage(seconds: float) -> str:
    """Seconds, CPU seconds, and memory in MB (the largest process's) of this job, programs that it ran included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(u.ru_utime + u.ru_stime for u in used)
    return f"s\tcpu_time\tmax_rss\n{seconds:.2f}\t{processor:.2f}\t{max(u.ru_maxrss for u in used) / 1024:.0f}\n"


def training(snakemake: Any) -> dict[str, Any]:
    """What a rule that trains says of where and how, as the functions that train take it."""
    how = {name: getattr(snakemake.params, name) for name in ("checkpoint", "threads", "seed", "device")}
    return {"log_csv": snakemake.output.log, "figure_png": snakemake.output.figure, **how}
