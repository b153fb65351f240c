"""What made a run: results/run.json, which the page of results states it by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gliofit.base.files import write_json
from gliofit.base.versions import Source, source
from gliofit.evaluation.made_by import load_note, read_record
from gliofit.inversion.fit_file import load_fits

FORMAT = "gliofit-run"
FORMAT_VERSION = 1


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
        Files of `gliofit.evaluation.made_by.save_note`.
    configs : iterable of str
    """
    made: Counter[tuple[Any, ...]] = Counter(
        (kind, fit.source, fit.machine) for kind, paths in fits.items() for p in paths for fit in load_fits(p)
    )
    made.update((kind, *load_note(path)) for kind, paths in notes.items() for path in paths)
    return RunRecord(tuple(configs), source(), tuple(Part(kind, by, on, n) for (kind, by, on), n in made.items()))


def load_run(path: str | Path) -> RunRecord:
    """
    Read what `RunRecord.save` wrote.

    Raises
    ------
    InputError
        Naming the file, if it is missing or of another version.
    """
    values = read_record(path, FORMAT, FORMAT_VERSION)
    parts = (Part(**part | {"source": Source(**part["source"])}) for part in values["parts"])
    return RunRecord(tuple(values["configs"]), Source(**values["source"]), tuple(parts))
