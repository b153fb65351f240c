"""
`python tests/kills/kill_test.py`: a run that is killed again and again makes the tables of one that is not.

The run is started in a folder of its own and killed with SIGKILL – all of its processes at once, as by a machine that
loses power – at seeded random moments. Each time its lock is released as a person would (`make unlock`) and it is
started again. Once it is through, every table is compared with that of an undisturbed run, but for times.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from same_tables import differences, tables  # noqa: E402


def command(folder: Path, configs: Sequence[str], targets: Sequence[str]) -> list[str]:
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    files = [str(ROOT / config) for config in configs]
    return [*snakemake, "--cores", "all", "--directory", str(folder), "--configfile", *files, "--", *targets]


def start(folder: Path, arguments: list[str], log: Path) -> subprocess.Popen:
    """A run in a session of its own; its output is added to a log."""
    with log.open("ab") as out:
        return subprocess.Popen(arguments, cwd=folder, stdout=out, stderr=out, start_new_session=True)


def kill(run: subprocess.Popen) -> int:
    """SIGKILL to every process of a run; how many there were."""
    with suppress(psutil.NoSuchProcess):
        processes = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
        for process in processes:  # parents first, so that none is started anew
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        psutil.wait_procs(processes, timeout=30)
        return len(processes)
    return 0


def disturbed(folder: Path, arguments: list[str], kills: int, within: float, seed: int) -> list[str]:
    """
    Run to the end in spite of `kills` kills; what happened, in words.

    Parameters
    ----------
    within : float
        Each kill falls at a uniformly random moment of so many seconds after a start.
    """
    draw, told, log = random.Random(seed), [], folder / "kills.log"
    for number in range(kills):
        run, moment = start(folder, arguments, log), draw.uniform(0, within)
        try:
            run.wait(moment)
        except subprocess.TimeoutExpired:
            count = kill(run)
            told.append(f"kill {number + 1} after {moment:.1f} s: {count} processes")
            unlocked = subprocess.run(
                [sys.executable, "-m", "gliofit.pipeline.unlock"], cwd=folder, capture_output=True, text=True
            )
            if unlocked.returncode:
                raise SystemExit(f"{told[-1]}; unlock failed: {unlocked.stdout}{unlocked.stderr}") from None
        else:
            told.append(f"the run was through before kill {number + 1}")
            break
    last = start(folder, arguments, log)
    if last.wait():
        raise SystemExit(f"the run failed after {len(told)} kills; see {log}")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="kill_test.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("targets", nargs="*", help="what to make (default: all)")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--within", type=float, default=60.0, help="seconds after a start within which a kill falls")
    parser.add_argument("--config", nargs="+", default=["config/quick.yaml"], metavar="FILE")
    parser.add_argument("--against", type=Path, help="folder of an undisturbed run (default: one is made)")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        killed = Path(scratch) / "killed"
        killed.mkdir()
        undisturbed = given.against
        if undisturbed is None:
            undisturbed = Path(scratch) / "undisturbed"
            undisturbed.mkdir()
            print("an undisturbed run …", flush=True)
            if start(undisturbed, command(undisturbed, given.config, given.targets), undisturbed / "run.log").wait():
                print((undisturbed / "run.log").read_text()[-3000:], file=sys.stderr)
                return 1
        told = disturbed(killed, command(killed, given.config, given.targets), given.kills, given.within, given.seed)
        print("\n".join(told))
        found = differences(killed, undisturbed)
        print("\n".join(found) or f"{len(tables(killed))} tables are those of the undisturbed run")
    print(f"{time.monotonic() - began:.0f} s")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
