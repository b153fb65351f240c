"""
`python tests/cluster/cluster_test.py`: the workflow on a real SLURM of one node, by `--profile profiles/slurm`.

Started and stopped by `one_node.sh`. Three things are shown:

1. the tables of a run in the queue are those of a run without it;
2. a job that `scancel` ends is tried again, and the run goes through;
3. a job over its memory is tried again with more of it, and the run goes through.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from same_tables import differences, tables  # noqa: E402

NODE = ROOT / "tests/cluster/one_node.sh"
FIT = "results/synthetic_1/gauss_newton.nii.gz"
RULE = "fit_patient"

SMALL = "results/tables/gliodil_synthetic_single.csv"
"""What the small part makes by the queue and without it."""

NO_CLUSTER = 3
"""Exit status where none could be started."""

NEEDED, OURS = 8.2e9, 0.9
"""Bytes that a job asks for, and the share of the machine's that the node has."""

WITHOUT_ACCOUNTING = ["--slurm-no-account", "--slurm-status-command", "squeue",
                      "--slurm-init-seconds-before-status-checks", "5"]  # fmt: skip
"""A SLURM without a database tells of jobs by squeue alone."""


def command(folder: Path, targets: Sequence[str], *options: str) -> list[str]:
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [*snakemake, "--configfile", str(ROOT / "config/quick.yaml"), *options, "--", *targets]


def queued(*options: str) -> list[str]:
    # a job that asks for more than a node has waits for ever
    cores = ["--cores", str(len(os.sched_getaffinity(0)))]
    return ["--profile", str(ROOT / "profiles/slurm"), *cores, *WITHOUT_ACCOUNTING, *options]


def run(folder: Path, arguments: list[str]) -> str:
    """A run to its end; its log."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    (folder / "run.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit(f"{(done.stdout + done.stderr)[-4000:]}\nfailed: {' '.join(arguments)}")
    return done.stdout + done.stderr


def jobs() -> dict[str, dict[str, str]]:
    """SLURM's jobs: what it says of each, by number."""
    shown = subprocess.run(["scontrol", "show", "job", "-o"], capture_output=True, text=True).stdout
    found = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in shown.splitlines() if line.startswith("JobId=")]
    return {job["JobId"]: job for job in found}


def last() -> int:
    """Number of the last job that was queued; SLURM forgets those that ended long ago."""
    return max(map(int, jobs()), default=0)


def of_rule(rule: str, since: set[str]) -> list[dict[str, str]]:
    """Jobs of a rule that were not there before, in the order they were queued."""
    return [job for number, job in sorted(jobs().items(), key=lambda item: int(item[0]))
            if number not in since and f"rule_{rule}" in job.get("Comment", "")]  # fmt: skip


def same_tables(folder: Path, targets: Sequence[str], local: Path | None) -> list[str]:
    """The targets by the queue and without it; `local` has a run without it."""
    before = last()
    if local is None:
        local = folder / "local"
        run(local, command(local, targets, "--cores", "2"))
    run(folder / "queued", command(folder / "queued", targets, *queued()))
    found = differences(folder / "queued", local)
    print(f"{last() - before} jobs in the queue; {len(tables(folder / 'queued'))} tables compared")
    return found


def cancelled(folder: Path) -> list[str]:
    """A fit that is cancelled as soon as it runs."""
    before = set(jobs())
    folder.mkdir()
    with (folder / "run.log").open("w") as log:
        going = subprocess.Popen(command(folder, [FIT], *queued()), cwd=folder, stdout=log, stderr=log)
        ended = None
        while going.poll() is None and ended is None:
            time.sleep(0.5)
            ended = next((job["JobId"] for job in of_rule(RULE, before) if job["JobState"] == "RUNNING"), None)
        if ended is not None:
            subprocess.run(["scancel", ended], check=True)
        going.wait()
    states = [job["JobState"] for job in of_rule(RULE, before)]
    print(f"cancelled: job {ended} of {RULE}; its attempts: {', '.join(states)}")
    if going.returncode or ended is None or states != ["CANCELLED", "COMPLETED"]:
        return [f"a cancelled job was not made up for: {states}; see {folder / 'run.log'}"]
    return []


def over_memory(folder: Path) -> list[str]:
    """A fit with too little memory at its first attempt."""
    before = set(jobs())
    run(folder, command(folder, [FIT], *queued("--set-resources", f"{RULE}:mem_mb=300 * 5 ** (attempt - 1)")))
    attempts = [(job["JobState"], job["MinMemoryNode"]) for job in of_rule(RULE, before)]
    print(f"over its memory: attempts of {RULE}: " + ", ".join(f"{state} with {memory}" for state, memory in attempts))
    if [memory for _, memory in attempts] != ["300M", "1500M"] or attempts[-1][0] != "COMPLETED":
        return [f"a job over its memory was not made up for: {attempts}"]
    return []


def main() -> int:
    parser = argparse.ArgumentParser(prog="cluster_test.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("targets", nargs="*", help="what to make by the queue and without it (default: all)")
    parser.add_argument("--only", choices=["tables", "cancelled", "memory"], help="one of the three parts")
    parser.add_argument("--small", action="store_true", help=f"{SMALL} alone, and a job that is cancelled")
    parser.add_argument("--against", type=Path, help="folder of a run without the queue (default: one is made)")
    given = parser.parse_args()
    began, found = time.monotonic(), []
    if given.small:
        given.targets = given.targets or [SMALL]
    if given.small and psutil.virtual_memory().total * OURS < NEEDED:
        print(f"a node needs {NEEDED / 1e9:.0f} GB of memory")
        return NO_CLUSTER
    try:
        if subprocess.run([NODE, "start"]).returncode:
            return NO_CLUSTER
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            parts = {
                "cancelled": lambda: cancelled(Path(scratch) / "cancelled"),
                "memory": lambda: over_memory(Path(scratch) / "memory"),
                "tables": lambda: same_tables(Path(scratch), given.targets, given.against),
            }
            for name, part in parts.items():
                if given.only in (None, name) and not (given.small and name == "memory"):
                    found += part()
                    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    finally:
        subprocess.run([NODE, "stop"])
    print("\n".join(found) or "the cluster does what one machine does")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
