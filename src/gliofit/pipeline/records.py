"""What a rule's script was given, as a file beside the job's log: enough to run the script again without Snakemake."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from gliofit.base.files import write_text

LISTS = ("input", "output", "params", "wildcards", "log", "resources")
"""Attributes of Snakemake's `snakemake` whose entries may have names."""

DUMPER: Any = getattr(yaml, "CDumper", yaml.Dumper)
"""In C where PyYAML has it: a record has a hundred files, and every job writes one."""


def record_path(log: str | Path) -> Path:
    """The record of the job with this log."""
    return Path(log).with_suffix(".job.yaml")


def record(snakemake: Any, log: Path) -> Path | None:
    """Write the record of a job that is about to run, for `gliofit.pipeline.rerun`; its path, if it has a script."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    lists = {name: _entries(getattr(snakemake, name, [])) for name in LISTS}
    about = {"rule": snakemake.rule, "script": script, "threads": getattr(snakemake, "threads", 1)}
    text = yaml.dump(about | lists, Dumper=DUMPER, allow_unicode=True, sort_keys=False)
    write_text(record_path(log), text)
    return record_path(log) if script else None


def _entries(given: Any) -> dict[str, Any]:
    """A list of Snakemake's: its entries, and where each name points."""
    names = {name: list(place) for name, place in given._get_names()} if hasattr(given, "_get_names") else {}
    return {"entries": [_plain(entry) for entry in given], "names": names}


def _plain(value: Any) -> Any:
    """A value that YAML gives back as it was; anything else as text."""
    if isinstance(value, dict):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple):
        return tuple(_plain(entry) for entry in value)
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else str(value)


def recorded(path: str | Path, outputs: str | Path | None = None) -> SimpleNamespace:
    """
    A job as its record has it, to stand for `snakemake` in its script.

    Parameters
    ----------
    path : path
        Of the record.
    outputs : path, optional
        Folder that outputs go under when a job runs again, so that nothing that Snakemake keeps is touched. Parameters
        that name a file beside an output, such as a checkpoint, go with it.
    """
    from snakemake.iocontainers import Namedlist

    found = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=getattr(yaml, "CFullLoader", yaml.FullLoader))
    folders = {str(Path(output).parent) for output in found["output"]["entries"]}

    def moved(name: str, value: Any) -> Any:
        beside = isinstance(value, str) and "/" in value and str(Path(value).parent) in folders
        if outputs is not None and (name in ("output", "log") or (name == "params" and beside)):
            return str(Path(outputs) / value)
        return value

    lists = {}
    for name in LISTS:
        lists[name] = Namedlist([moved(name, value) for value in found[name]["entries"]])
        for key, (first, end) in found[name]["names"].items():
            lists[name]._set_name(key, first, end)
    about = {key: value for key, value in found.items() if key not in LISTS}
    return SimpleNamespace(**about, **lists, config={}, rerun=outputs is not None)
