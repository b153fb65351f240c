"""
Why jobs failed: one sentence each, on the terminal of the run, wherever the jobs ran.

A job that ends badly leaves a note beside its log. Snakemake's main process reads the notes: when a job fails, to see
whether another attempt could help, and when the run ends, to print what the terminal has not seen yet. On a cluster
that is every sentence, as a job's own terminal is a file there.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gliofit.base.files import read_json, write_json
from gliofit.pipeline.clock import ahead


@dataclass(frozen=True)
class Failure:
    """
    How a job ended.

    Parameters
    ----------
    sentence : str
        One line.
    hopeless : bool
        Whether the input is at fault, so that another attempt would end alike.
    terminal : tuple of int
        Device and inode of the standard error that has seen the sentence.
    """

    sentence: str
    hopeless: bool
    terminal: tuple[int, int]

    @classmethod
    def here(cls, sentence: str, hopeless: bool, descriptor: int) -> Failure:
        """Of a job that writes to the terminal with this file descriptor."""
        return cls(" ".join(sentence.split()), hopeless, terminal(descriptor))

    def save(self, log: str | Path) -> None:
        """Write the note beside the job's log."""
        write_json(note(log), asdict(self))

    @classmethod
    def load(cls, log: str | Path) -> Failure | None:
        """The note of the job with this log, if it left one."""
        if not note(log).is_file():
            return None
        found = read_json(note(log))
        return cls(found["sentence"], found["hopeless"], tuple(found["terminal"]))


def note(log: str | Path) -> Path:
    """Where the job with this log says why it failed."""
    return Path(log).with_suffix(".failed.json")


def terminal(descriptor: int) -> tuple[int, int]:
    """What tells a terminal, pipe or file from another: device and inode."""
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino


def forget(logs: str | Path) -> None:
    """Remove the notes that earlier runs left in a folder of logs."""
    for path in Path(logs).rglob("*.failed.json"):
        path.unlink()


def report(failed: Iterable[Any]) -> None:
    """
    Print why jobs failed, one line each, unless the terminal has seen it.

    Parameters
    ----------
    failed : iterable of snakemake's jobs
        Single ones and groups.
    """
    sys.stderr.flush()
    for job in failed:
        for line in _lines(job):
            print(line, file=sys.stderr)


def _lines(job: Any) -> list[str]:
    members = list(job.jobs) if job.is_group() else [job]
    found = [failure for member in members for failure in map(Failure.load, member.log) if failure]
    if found:
        return [failure.sentence for failure in found if failure.terminal != terminal(2)]
    # without a word: killed, by a person or for its memory or time
    started = [member for member in members if any(Path(log).exists() for log in member.log)] or members
    names, logs = (
        ", ".join(dict.fromkeys(m.rule.name for m in started)),
        ", ".join(log for m in started for log in m.log),
    )
    # Snakemake itself lets a job fail whose input is newer than its output
    ended = [os.stat(log).st_mtime for m in started for log in m.log if os.path.exists(log)]
    why = ahead((str(path) for m in started for path in m.input), max(ended)) if ended else None
    if why:
        return [f"Error in {names}: {why}"]
    return [f"Error in {names}: ended without a word, as when killed, or out of memory or time (see {logs})"]


class NoSecondAttempt(logging.Filter):
    """
    Takes a failed job's further attempts away if its input is at fault.

    Snakemake's `retries` hold for every failure of a rule. It logs each failure before it decides on another attempt;
    as a filter of its logger this sees the failure, reads the job's note and, if there is no hope, counts the attempts
    as used up. Should a future Snakemake log otherwise, jobs are merely tried again.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
    """

    def __init__(self, workflow: Any):
        super().__init__()
        self.workflow = workflow

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "event", None) == "job_error":
            for job in self.workflow.dag.jobs:
                if self.workflow.dag.jobid(job) == getattr(record, "jobid", None):
                    self._judge(job)
        return True

    def _judge(self, job: Any) -> None:
        if any(failure and failure.hopeless for failure in map(Failure.load, job.log)):
            whole = self.workflow.dag.get_job_group(job) or job
            whole.attempt = max(whole.attempt, whole.restart_times + 1)
