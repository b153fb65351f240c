"""
The user's own command that segments a tumour, such as a wrapper of nnU-Net's.

It is run without a shell. What it writes is checked like any segmentation.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from gliofit.base.errors import InputError
from gliofit.patients.headers import PLACE, apart, check_header

PLACES = ("t1", "t1c", "flair", "fet", "brain", "output")
"""What may stand in braces: scans on the T1c's grid, stripped, and the file to write."""


def check_command(command: str, scans: set[str] | None = None) -> None:
    """
    Raise InputError unless a command can be run and says where it writes.

    Parameters
    ----------
    command : str
    scans : set of str, optional
        Columns that a patient has: the command may name no other.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"segment: '{command}' is no command ({error})") from None
    if not words:
        raise InputError("segment: is empty; name a command, or null")
    for name in re.findall(r"\{([^{}]*)\}", command):
        if name not in PLACES:
            raise InputError(f"segment: unknown place {{{name}}}; there are {', '.join(f'{{{p}}}' for p in PLACES)}")
        if scans is not None and name not in (*scans, "brain", "output"):
            raise InputError(f"segment: the command needs {{{name}}}, which the patient does not have")
    if "{output}" not in command:
        raise InputError("segment: has no {output}, the file that the command is to write")
    if shutil.which(words[0]) is None:
        raise InputError(f"segment: there is no program '{words[0]}'")


def segment(command: str, files: dict[str, Path], output: Path) -> None:
    """
    Run a command on a patient's files.

    Parameters
    ----------
    command : str
        With places in braces.
    files : dict of role → Path
        On one grid.
    output : Path
        NIfTI file that it writes.

    Raises
    ------
    InputError
        If it names a scan that the patient lacks, ends with an error, or writes no volume on the scans' grid.
    """
    check_command(command, set(files))
    values = {name: str(path.resolve()) for name, path in files.items()} | {"output": str(output.resolve())}
    words = []
    for word in shlex.split(command):
        for name in re.findall(r"\{([^{}]*)\}", word):
            word = word.replace(f"{{{name}}}", values[name])
        words.append(word)
    output.unlink(missing_ok=True)
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    print(done.stdout + done.stderr)  # into the job's log
    if done.returncode:
        said = ((done.stderr or done.stdout).strip().splitlines() or ["nothing"])[-1]
        raise InputError(f"segment: the command ended with status {done.returncode} and said: {said}")
    if not output.is_file():
        raise InputError(f"segment: the command ended well, but did not write {output}")
    shape, affine, _ = check_header(output)
    scan = next(path for name, path in files.items() if name != "brain")
    wanted, place, _ = check_header(scan)
    if shape != wanted or apart(affine, place, shape) > PLACE:
        raise InputError(
            f"{output}: the command wrote a segmentation of {shape} that is not on the grid of {scan.name}"
        )
