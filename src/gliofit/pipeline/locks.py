"""Snakemake's lock of a folder."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from gliofit.base.files import read_json, write_json

OWNER = Path(".snakemake/gliofit-owner.json")
"""Which process holds Snakemake's lock of this folder."""


def own_lock() -> None:
    """Note that this process holds the lock; called when a run starts."""
    write_json(OWNER, {"host": platform.node(), "pid": os.getpid()})


def release_stale_lock() -> None:
    """
    Remove the lock that a killed run of this machine left behind, so that repeating the command goes on.

    A lock stays if it is newer than the note of `own_lock`, of another machine, or if a process of that number lives.
    """
    locks = list(OWNER.parent.glob("locks/*.lock"))
    if not (locks and OWNER.is_file()) or max(p.stat().st_mtime for p in locks) > OWNER.stat().st_mtime:
        return
    owner = read_json(OWNER)
    if owner["host"] == platform.node() and not _alive(owner["pid"]):
        for lock in locks:
            lock.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
