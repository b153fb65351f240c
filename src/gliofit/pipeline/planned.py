"""
`make plan`: what a run would take – jobs, processor-hours, memory, disk – before it is started.

What rules ask for is an upper bound: a job that ends earlier frees its cores. What is there already of the same run
says more: the mean of a rule's finished jobs, of the same method or model, counts for its others as well. So a few jobs
of each kind, made first, tell what all of them take.

Arguments are Snakemake's: `python -m gliofit.pipeline.planned --profile profiles/slurm --configfile config/paper.yaml`.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gliofit.pipeline.jobs import usage_path

KINDS = ("method", "model", "network", "experiment", "split")
"""Wildcards by which jobs of one rule differ in what they take."""


@dataclass(frozen=True)
class Job:
    """
    One job of a plan.

    Parameters
    ----------
    rule : str
    kind : str
        Which of a rule's kinds of jobs it is of; empty if there is one.
    threads, gpus : int
        Asked for.
    megabytes : int
        Memory asked for.
    hours : float
        Time asked for.
    cpu_hours : float, optional
        What it took, if it is done.
    disk : int, optional
        Bytes of its outputs, if it is done.
    """

    rule: str
    kind: str
    threads: int
    gpus: int
    megabytes: int
    hours: float
    cpu_hours: float | None = None
    disk: int | None = None


def planned(arguments: Sequence[str]) -> list[Job]:
    """
    Every job of a run, done or not, as dry runs of Snakemake in this process have it.

    Parameters
    ----------
    arguments : sequence of str
        Of Snakemake.

    Raises
    ------
    SystemExit
        With Snakemake's status, if it has no plan; what it says is on stderr.
    """
    # what is left of another config, or of older sources, is not done
    pending = _listed(arguments, lambda about: None)
    every = _listed(["--forceall", *arguments], lambda about: job_of(about, _name(about) not in pending))
    return [job for job in every.values() if job is not None and job.rule != "all"]


def _listed(arguments: Sequence[str], use: Callable[[dict[str, Any]], Job | None]) -> dict[str, Job | None]:
    """What `use` makes of what a dry run says of each job, by the job's name; relative paths are right meanwhile."""
    from snakemake.cli import main
    from snakemake.logging import logger
    from snakemake_interface_logger_plugins.common import LogEvent

    found: dict[str, Job | None] = {}

    def taken(record: logging.LogRecord) -> bool:
        # nothing is printed but errors: a plan of thousands of jobs takes longer to print than to make
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            about = vars(record)
            found[_name(about)] = use(about)
        return record.levelno >= logging.ERROR

    here = Path.cwd()
    logger.addFilter(taken)
    try:
        main(["--dry-run", *arguments])
    except SystemExit as end:
        if end.code:
            raise
    finally:
        logger.removeFilter(taken)
        os.chdir(here)  # Snakemake leaves the process where the run is
    return found


def _name(about: dict[str, Any]) -> str:
    return " ".join([about["rule_name"], *map(str, about["output"])])


def job_of(about: dict[str, Any], done: bool) -> Job:
    """A job from what Snakemake says of it; one that is done is measured."""
    asked = about["resources"]
    kind = "/".join(str(about["wildcards"][name]) for name in KINDS if name in about["wildcards"])
    outputs = [Path(str(path)) for path in about["output"]]
    spent = usage_path(about["log"][0]) if about["log"] else None
    measured = done and spent is not None and spent.exists() and all(path.exists() for path in outputs)
    return Job(
        about["rule_name"],
        kind,
        int(about["threads"]),
        int(asked.get("gpu", 0)),
        int(asked.get("mem_mb", 0)),
        float(asked.get("runtime", 0)) / 60,
        float(pd.read_csv(spent, sep="\t")["cpu_time"].sum()) / 3600 if measured else None,
        sum(map(_size, outputs)) if measured else None,
    )


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def summary(jobs: Iterable[Job]) -> pd.DataFrame:
    """
    A row for each rule.

    Columns: jobs; the most threads, cards, GB and hours that one asks for; core_hours and gpu_hours at most of all;
    done, how many were run; told, how many are of a kind of which one was; cpu_hours and disk_gb of these by the means
    of their kinds, NaN where there are none.
    """
    rules: dict[str, dict[str, list[Job]]] = defaultdict(lambda: defaultdict(list))
    for job in jobs:
        rules[job.rule][job.kind].append(job)
    rows = []
    for rule, kinds in rules.items():
        every = [job for same in kinds.values() for job in same]
        measured = [same for same in kinds.values() if _mean(job.cpu_hours for job in same) is not None]
        sizes = [len(same) * size for same in kinds.values() if (size := _mean(job.disk for job in same)) is not None]
        spent = [len(same) * (_mean(job.cpu_hours for job in same) or 0.0) for same in measured]
        rows.append(
            {
                "rule": rule,
                "jobs": len(every),
                "threads": max(job.threads for job in every),
                "gpus": max(job.gpus for job in every),
                "gb": max(job.megabytes for job in every) / 1000,
                "hours": max(job.hours for job in every),
                "core_hours": sum(job.threads * job.hours for job in every),
                "gpu_hours": sum(job.gpus * job.hours for job in every),
                "done": sum(job.cpu_hours is not None for job in every),
                "told": sum(map(len, measured)),
                "cpu_hours": sum(spent) if spent else float("nan"),
                "disk_gb": sum(sizes) / 1e9 if sizes else float("nan"),
            }
        )
    return pd.DataFrame(rows).sort_values("core_hours", ascending=False, ignore_index=True)


def _mean(values: Iterable[float | None]) -> float | None:
    """Of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def told(table: pd.DataFrame) -> str:
    """The summary as text, with totals."""
    head = ["jobs", "threads", "GPUs", "GB", "hours", "core-h", "GPU-h", "done", "told", "CPU-h", "disk GB"]
    digits = [0, 0, 0, 1, 1, 0, 0, 0, 0, 2, 2]
    width = max(map(len, table["rule"]))
    lines = [" ".join(["rule".ljust(width), *(name.rjust(7) for name in head)])]
    for row in table.itertuples(index=False):
        cells = ["–" if pd.isna(v) else f"{v:,.{n}f}" for v, n in zip(row[1:], digits, strict=True)]
        lines.append(" ".join([str(row[0]).ljust(width), *(cell.rjust(7) for cell in cells)]))
    number, covered = int(table["jobs"].sum()), int(table["told"].sum())
    lines += [
        "",
        f"{number:,} jobs. What rules ask for, and so at most: {table['core_hours'].sum():,.0f} core-hours, "
        f"{table['gpu_hours'].sum():,.0f} GPU-hours, {table['gb'].max():,.1f} GB of memory for a job.",
    ]
    if covered:
        lines.append(
            f"By the {int(table['done'].sum()):,} jobs of this run that are done, {covered:,} jobs of their kinds take "
            f"{table['cpu_hours'].sum():,.1f} CPU-hours and {table['disk_gb'].sum():,.1f} GB of disk."
        )
    else:
        lines.append("No job of this run is done: make a few of each kind, and this tells what all of them take.")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    jobs = planned(arguments)
    if not jobs:
        print("Nothing is planned.")
        return 1
    print(told(summary(jobs)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
