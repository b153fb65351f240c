"""A run ends as soon as its jobs have."""

from __future__ import annotations

import threading


def end_timers() -> None:
    """
    Cancel this process's timers.

    Snakemake looks for new jobs once per timespan (`max-jobs-per-timespan`), by timers that Python waits for at its
    end. The last of them has nothing to look for any more, and would hold a run up for as long as five seconds.
    """
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()
