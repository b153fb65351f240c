"""How a rule's script runs: its log, and its end."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """
    Run a rule's script with all its output, of C++ libraries too, in the rule's log.

    Bad input ends with its one sentence on the terminal; any other exception with one line that names the log, where
    the traceback is. Either way the process exits with status 1.
    """
    path = Path(str(snakemake.log[0]))
    path.parent.mkdir(parents=True, exist_ok=True)
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
            log.flush()
            what = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error} (see {path})"
            os.write(terminal, f"Error in {snakemake.rule}: {what}\n".encode())
            os._exit(1)  # a plain exit would have Snakemake's wrapper print the traceback again
