"""Notes of what made a table of results: a JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, read_json, write_json
from gliofit.base.versions import Source, made_by

FORMAT = "gliofit-made-by"
FORMAT_VERSION = 1


def save_note(path: str | Path) -> None:
    """Note what makes a table now."""
    write_json(path, {"format": FORMAT, "format_version": FORMAT_VERSION, **made_by()})


def load_note(path: str | Path) -> tuple[Source, str]:
    """Source and machine that a note tells; InputError naming the file if it is missing or none."""
    values = read_record(path, FORMAT, FORMAT_VERSION)
    return Source(**values["source"]), values["machine"]


def read_record(path: str | Path, kind: str, version: int) -> dict[str, Any]:
    """A JSON object that says of which format and version it is; InputError naming the file if it is another."""
    if not Path(path).is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    try:
        values = read_json(path)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: is not JSON ({error})") from None
    if not isinstance(values, dict) or (values.get("format"), values.get("format_version")) != (kind, version):
        raise InputError(f"{path}: is not a {kind} of version {version}; delete it and run the pipeline again")
    return values
