"""
Files from the future: what is left when a clock was set back, or has come from a machine whose clock is ahead.

Snakemake tells by the times of files what has to be made anew. A job whose result is older than what it was made from
counts as failed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from gliofit.base.errors import InputError

TOLERATED = 60.0
"""Seconds by which clocks of machines that share a folder may differ."""


def check_clock(folder: str | Path) -> None:
    """
    Refuse to begin where files of a folder were written later than it is now.

    Raises
    ------
    InputError
        Names the one that is furthest ahead.
    """
    files = (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
    fault = ahead(files)
    if fault:
        raise InputError(f"{fault} (all such files: find {folder} -newermt now -exec touch {{}} +)")


def ahead(files: Iterable[str | Path], now: float | None = None) -> str | None:
    """
    What to say of files that were written in the future; None if there are none.

    Parameters
    ----------
    files : iterable of path
    now : float, optional
        What counts as the future lies after this time, by default `TOLERATED` seconds from now.
    """
    newest, latest = None, time.time() + TOLERATED if now is None else now
    for file in files:
        try:
            written = os.stat(file).st_mtime
        except OSError:
            continue
        if written > latest:
            newest, latest = file, written
    if newest is None:
        return None
    when = datetime.fromtimestamp(latest).isoformat(" ", "seconds")
    return (
        f"{newest}: written in the future ({when}), as a clock is wrong or has been set back; set it right, or give "
        "the file the time it is now by touch"
    )
