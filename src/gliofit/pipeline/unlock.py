"""
`python -m gliofit.pipeline.unlock`: release the lock that a killed Snakemake left in the current folder.

Snakemake locks the folder it runs in, so that no two runs make the same files. A run that was killed cannot release its
lock; the next one then stops with "Directory cannot be locked". Releasing it is for a person to decide, as jobs of the
killed run may still be at work. Those of this machine are looked for, and while there are any the lock stays. Runs on
other machines and jobs in the queue of a cluster are not seen from here; the message says how to look.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import psutil

from gliofit.base.errors import InputError

SNAKEFILE = Path(__file__).parents[3] / "Snakefile"


def locks(folder: Path) -> list[Path]:
    """Snakemake's locks of a folder."""
    return sorted((folder / ".snakemake" / "locks").glob("*.lock"))


def alive(folder: Path) -> list[psutil.Process]:
    """Processes of this machine that run Snakemake, or a job of its, in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            program, *arguments = process.cmdline() or [""]
            name = Path(program).name
            # a script that Snakemake runs is a file under .snakemake/scripts, or has one of its own in its arguments
            ours = name == "snakemake" or (name.startswith("python") and any("snakemake" in word for word in arguments))
            if ours and Path(process.cwd()) == folder:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or is another user's
    return found


def unlock(folder: Path) -> str:
    """
    Release the locks of a folder by `snakemake --unlock`.

    Returns
    -------
    str
        What was done.

    Raises
    ------
    InputError
        If a run or a job of it is alive in the folder, or Snakemake cannot release the lock.
    """
    folder = folder.resolve()
    found = locks(folder)
    if not found:
        return f"{folder}: is not locked; nothing to release"
    if running := alive(folder):
        numbers = ", ".join(str(process.pid) for process in running)
        raise InputError(
            f"{folder}: a run is alive here (process {numbers}); wait for it, or stop it, then unlock again"
        )
    locked = datetime.fromtimestamp(max(path.stat().st_mtime for path in found))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--unlock"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode or locks(folder):
        said = (done.stdout + done.stderr).strip().splitlines()
        raise InputError(f"{folder}: Snakemake could not release the lock: {said[-1] if said else 'it said nothing'}")
    return (
        f"{folder}: released the lock of a run that started {locked:%Y-%m-%d %H:%M} and is gone from this machine; "
        "the next run goes on where that one was.\n"
        "Jobs that it left on other machines are not seen from here: if it ran on a cluster, see that `squeue --me` "
        "lists none of them before you go on."
    )


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("usage: python -m gliofit.pipeline.unlock, in the folder that is locked")
    try:
        print(unlock(Path.cwd()))
    except InputError as error:
        sys.exit(f"Error: {error}")
