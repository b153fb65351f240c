"""Files that are whole or absent: a killed run leaves nothing that looks complete."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError


def user_path(path: str | Path) -> Path:
    """A path as a user writes it, with ~; InputError if that is nobody's."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"{path}: ~ stands for no user's folder here") from None


def no_such_file(path: str | Path) -> str:
    """What is wrong with a path that is no file: nothing there, a folder, or a link to nothing."""
    path = Path(path)
    if path.is_symlink() and not path.exists():
        return f"is a link to {path.readlink()}, which is not there"
    return "is a folder" if path.is_dir() else "no such file"


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """
    A temporary path beside `path`, with its suffix, that is renamed to `path` when the block ends well.

    Folders above are made. If the block raises, the temporary file is removed and `path` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, UTF-8."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, values: Any) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def check_writable(folder: str | Path) -> None:
    """Raise an InputError unless files can be made in a folder; it is made if it is not there."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        raise InputError(f"{folder}: nothing can be written there ({error.strerror or error})") from None
