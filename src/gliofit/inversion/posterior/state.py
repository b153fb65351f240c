"""A sampler's population between two stages, and its checkpoint."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import whole_file
from gliofit.inversion.posterior.points import Points


@dataclass(frozen=True, eq=False)
class State:
    """
    A population between two stages.

    Parameters
    ----------
    points : Points
    power : float
        Of the likelihood.
    log_evidence : float
    log_evidence_variance : float
    parents : tuple of ndarray [B]
        From which point of the stage before each one comes, of all stages.
    stages : tuple of dict
        What happened: power, variation, accepted, runs, seconds.
    """

    points: Points
    power: float = 0.0
    log_evidence: float = 0.0
    log_evidence_variance: float = 0.0
    parents: tuple[Array, ...] = ()
    stages: tuple[dict[str, float], ...] = field(default=())


def save_state(path: Path, state: State, record: str) -> None:
    """Write a checkpoint; `record` says what the samples depend on."""
    numbers = [state.power, state.log_evidence, state.log_evidence_variance]
    arrays: dict[str, Any] = {f"points.{name}": a for name, a in state.points.arrays().items()}
    arrays |= {"stages": np.array(json.dumps(state.stages))}
    arrays |= {"numbers": np.array(numbers), "parents": np.array(state.parents, np.int32)}
    save_arrays(path, arrays, record)


def load_state(path: Path, record: str) -> State:
    """Read a checkpoint; InputError if it is damaged, or of another `record`."""
    found = load_arrays(path, record, ("numbers", "stages", "parents"))
    points = Points(**{name[7:]: a for name, a in found.items() if name.startswith("points.")})
    power, evidence, variance = found["numbers"].tolist()
    parents = tuple(found["parents"].astype(int)) if found["parents"].size else ()
    return State(points, power, evidence, variance, parents, tuple(json.loads(str(found["stages"]))))


def save_arrays(path: Path, arrays: Mapping[str, Array], record: str) -> None:
    """Write a sampler's checkpoint."""
    kept: dict[str, Any] = {"config": np.array(record), **arrays}
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(file, **kept)


def load_arrays(path: Path, record: str, names: Sequence[str]) -> dict[str, Array]:
    """Read one, with these names and others; InputError if it is damaged, or of another `record`."""
    try:
        with np.load(path) as file:
            found = {name: file[name] for name in file.files}
        written = json.loads(str(found["config"]))
        if missing := [name for name in names if name not in found]:
            raise KeyError(missing[0])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path}: is no checkpoint of a sampler, or is damaged; remove it to begin anew") from None
    wanted = json.loads(record)
    differs = [key for key in sorted({*written, *wanted}) if written.get(key) != wanted.get(key)]
    if differs:
        raise InputError(f"{path}: is the checkpoint of another config ({', '.join(differs)} differ); remove it")
    return found
