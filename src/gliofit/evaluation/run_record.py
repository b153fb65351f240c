"""What made a run: results/run.json, which the page of results states it by."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gliofit.base.errors import InputError
from gliofit.base.files import read_json, write_json
from gliofit.base.versions import Source, made_by, source
from gliofit.inversion.fit_file import load_fits

FORMAT = "gliofit-run"
FORMAT_VERSION = 1

MADE_BY = "gliofit-made-by"
"""Format of the notes beside results that are plain tables."""


@dataclass(frozen=True)
class Part:
    """So many results of one kind that one source made on one machine."""

    kind: str
    source: Source
    machine: str
    results: int


@dataclass(frozen=True)
class RunRecord:
    """
    What made a run.

    Parameters
    ----------
    configs : tuple of str
        Config files that the run was asked for with.
    source : Source
        That gathered the results.
    parts : tuple of Part
        What made the results themselves: a later commit runs only what its changes concern again.
    """

    configs: tuple[str, ...]
    source: Source
    parts: tuple[Part, ...]

    @property
    def machines(self) -> list[str]:
        """All that computed any of the results."""
        return list(dict.fromkeys(part.machine for part in self.parts))

    @property
    def others(self) -> list[Part]:
        """Parts whose source differs from the run's."""
        return [part for part in self.parts if part.source.sha256 != self.source.sha256]

    def save(self, path: str | Path) -> None:
        """Write results/run.json."""
        parts = [asdict(part) | {"source": part.source._asdict()} for part in self.parts]
        record = {"configs": list(self.configs), "source": self.source._asdict(), "parts": parts}
        write_json(path, {"format": FORMAT, "format_version": FORMAT_VERSION, **record})


def record_run(
    fits: Mapping[str, Iterable[str | Path]], notes: Mapping[str, Iterable[str | Path]], configs: Iterable[str]
) -> RunRecord:
    """
    Gather what made a run.

    Parameters
    ----------
    fits : mapping of kind → paths
        Files of fits.
    notes : mapping of kind → paths
        Files of `note_maker`.
    configs : iterable of str
    """
    made = Counter(
        (kind, fit.source, fit.machine) for kind, paths in fits.items() for p in paths for fit in load_fits(p)
    )
    made.update((kind, *_read_note(path)) for kind, paths in notes.items() for path in paths)
    return RunRecord(tuple(configs), source(), tuple(Part(*what, number) for what, number in made.items()))


def load_run(path: str | Path) -> RunRecord:
    """
    Read what `RunRecord.save` wrote.

    Raises
    ------
    InputError
        Naming the file, if it is missing or of another version.
    """
    values = _read(path, FORMAT)
    parts = (Part(**part | {"source": Source(**part["source"])}) for part in values["parts"])
    return RunRecord(tuple(values["configs"]), Source(**values["source"]), tuple(parts))


def note_maker(path: str | Path) -> None:
    """Note beside a table of results what made it."""
    write_json(path, {"format": MADE_BY, "format_version": FORMAT_VERSION, **made_by()})


def _read_note(path: str | Path) -> tuple[Source, str]:
    values = _read(path, MADE_BY)
    return Source(**values["source"]), values["machine"]


def _read(path: str | Path, kind: str) -> dict:
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    try:
        values = read_json(path)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: is not JSON ({error})") from None
    if not isinstance(values, dict) or (values.get("format"), values.get("format_version")) != (kind, FORMAT_VERSION):
        raise InputError(f"{path}: is not a {kind} of version {FORMAT_VERSION}; delete it and run the pipeline again")
    return values
