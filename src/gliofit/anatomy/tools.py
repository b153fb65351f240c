"""What registration tools share: settings, their check, and a process of its own for each run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gliofit.base.errors import InputError


@dataclass(frozen=True)
class Settings:
    """
    How to register; named sets are JSON files in gliofit/anatomy/registration_settings.

    Parameters
    ----------
    tool : "ants" or "greedy"
    spacing : float
        Grid that the metrics are evaluated on, mm.
    margin : float
        Space kept around the brain, mm.
    tumour_margin : float
        The tumour, with this rim around it, mm, is filled from the brain around it before anything is smoothed.
    metric_margin : float
        The metric is evaluated beyond this distance from the tumour, mm: windows of cross-correlation that reach into
        what was filled say little.
    winsorize : list of float
        Lower and upper quantile that intensities are clipped to.
    seed : int
        Not 0, which greedy takes for chance.
    linear, deformable : list of dict, dict
        Stages as the tool takes them: `STAGE_KEYS` of `ants_tool` and `greedy_tool`.
    """

    tool: str
    spacing: float
    margin: float
    tumour_margin: float
    metric_margin: float
    winsorize: list[float]
    seed: int
    linear: list[dict]
    deformable: dict


def run_python(name: str, code: str, arguments: list[str], work: Path, threads: int) -> None:
    """
    Run `code` with `arguments` in a Python process of its own, in the folder `work`.

    ITK reads its number of threads once per process, and a tool's crash is not ours.

    Raises
    ------
    RuntimeError
        With `name` and its last words, if it fails.
    """
    environment = {**os.environ, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads)}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise RuntimeError(f"{name} ended with status {done.returncode}: {words}")


def check_keys(file: Path, stages: list[dict], keys: set[str]) -> None:
    """Raise InputError unless each stage of a settings file has exactly these keys."""
    for stage in stages:
        if set(stage) != keys:
            raise InputError(f"{file}: a stage must have exactly the keys {', '.join(sorted(keys))}")
