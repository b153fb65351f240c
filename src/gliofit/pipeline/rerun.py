"""
`python -m gliofit.pipeline.rerun results/logs/RULE/JOB.job.yaml`: run a job's script again, outside Snakemake.

Every job leaves a record of what its script was given. This command runs the script with the same inputs, parameters
and threads, its output and any traceback on the terminal, and its files in a folder of their own. With `--pdb` an
exception ends in the debugger, where it was raised; an IDE can start this module in its own debugger.
"""

from __future__ import annotations

import argparse
import pdb
import runpy
import sys
import traceback
from pathlib import Path

import yaml

from gliofit.base.errors import InputError
from gliofit.pipeline.records import recorded


def rerun(path: Path, outputs: Path) -> None:
    """
    Run the script of a recorded job.

    Parameters
    ----------
    path : path
        The record, beside the job's log.
    outputs : path
        Folder that the script's files go under.

    Raises
    ------
    InputError
        If the record or the script is missing. What the script raises is not caught.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such record of a job; each job leaves one beside its log, results/logs/RULE/")
    try:
        snakemake = recorded(path, outputs)
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
        raise InputError(f"{path}: is no record of a job, which ends in .job.yaml") from None
    if not snakemake.script or not Path(snakemake.script).is_file():
        raise InputError(f"{path}: its script {snakemake.script} is gone")
    for file in [*snakemake.output, *snakemake.log]:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    runpy.run_path(snakemake.script, init_globals={"snakemake": snakemake}, run_name="__main__")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m gliofit.pipeline.rerun", description=__doc__.split("\n\n")[0])
    parser.add_argument("record", type=Path, help="results/logs/RULE/JOB.job.yaml")
    parser.add_argument("--to", type=Path, default=Path("rerun"), help="folder for the script's files (default: rerun)")
    parser.add_argument("--pdb", action="store_true", help="open the debugger where an exception is raised")
    given = parser.parse_args()
    try:
        rerun(given.record, given.to)
    except InputError as error:
        sys.exit(f"Error: {error}")
    except Exception:
        traceback.print_exc()
        if given.pdb:
            pdb.post_mortem(sys.exc_info()[2])
        return 1
    print(f"done; files are under {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
