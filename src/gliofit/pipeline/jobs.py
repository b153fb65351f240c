"""How a rule's script runs: its log, its end, and the record that it can be run again from."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError
from gliofit.pipeline.failures import Failure, note
from gliofit.pipeline.records import record


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """
    Run a rule's script with all its output, of C++ libraries too, in the rule's log.

    Bad input ends with its one sentence on the terminal; any other exception with one line that names the log, where
    the traceback is. Either way the process exits with status 1, and a `Failure` beside the log says why: on a cluster
    the terminal of a job is a file that nobody reads. What the script was given is recorded beside the log, too; under
    `python -m gliofit.pipeline.rerun`, which reads it, the script keeps the terminal and its exceptions.
    """
    if getattr(snakemake, "rerun", False):
        yield
        return
    path = Path(str(snakemake.log[0]))
    path.parent.mkdir(parents=True, exist_ok=True)
    record(snakemake, path)
    note(path).unlink(missing_ok=True)  # of an earlier attempt
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("w", buffering=1) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
            sys.stdout.flush()
            sys.stderr.flush()
        except Exception as error:
            sys.stdout.flush()
            traceback.print_exc(file=log)
            hopeless = isinstance(error, InputError)
            what = str(error) if hopeless else f"{type(error).__name__}: {error} (see {path})"
            failure = Failure.here(f"Error in {snakemake.rule}: {what}", hopeless, terminal)
            log.write(f"{failure.sentence}\n")
            log.flush()
            os.write(terminal, f"{failure.sentence}\n".encode())
            failure.save(path)
            os._exit(1)  # a plain exit would have Snakemake's wrapper print the traceback again
