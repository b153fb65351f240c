"""A sampler's population between two stages, and its checkpoint."""

from __future__ import annotations

import json
import zipfile
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
    arrays |= {"config": np.array(record), "stages": np.array(json.dumps(state.stages))}
    arrays |= {"numbers": np.array(numbers), "parents": np.array(state.parents, np.int32)}
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)


def load_state(path: Path, record: str) -> State:
    """Read a checkpoint; InputError if it is damaged, or of another `record`."""
    try:
        with np.load(path) as found:
            written = json.loads(str(found["config"]))
            points = Points(**{name[7:]: found[name] for name in found.files if name.startswith("points.")})
            power, evidence, variance = found["numbers"].tolist()
            stages = tuple(json.loads(str(found["stages"])))
            parents = tuple(found["parents"].astype(int)) if found["parents"].size else ()
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path}: is no checkpoint of a sampler, or is damaged; remove it to begin anew") from None
    wanted = json.loads(record)
    differs = [key for key in sorted({*written, *wanted}) if written.get(key) != wanted.get(key)]
    if differs:
        raise InputError(f"{path}: is the checkpoint of another config ({', '.join(differs)} differ); remove it")
    return State(points, power, evidence, variance, parents, stages)
