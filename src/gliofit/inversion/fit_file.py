"""
Fits on disk: one JSON, and beside it an npz with the densities that are the methods' own.

`docs/result_format.md` is the format, `gliofit.inversion.fit_format` its check.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, read_json, whole_file, write_json
from gliofit.base.versions import made_by
from gliofit.inversion.fit import Fit
from gliofit.inversion.fit_format import FORMAT, FORMAT_VERSION


def save_fit(path: str | Path, fit: Fit, volumes: str | Path) -> None:
    """
    Write one fit.

    Parameters
    ----------
    path : path
        The JSON.
    fit : Fit
    volumes : path
        The npz for the method's own density, in the same folder; it is written whether there is one or not, so that a
        file of an earlier run is not left beside the fit.
    """
    write_json(path, _written([fit], path, volumes)[0])


def save_fits(path: str | Path, fits: Sequence[Fit], volumes: str | Path) -> None:
    """Write several fits as a list; parameters as for `save_fit`."""
    write_json(path, _written(fits, path, volumes))


def load_fit(path: str | Path) -> Fit:
    """
    Read what `save_fit` wrote.

    The npz is read only when the method's own density is asked for.

    Raises
    ------
    InputError
        One sentence naming the file: if it is missing, no fit, or of another version of the format.
    """
    values = _read(path)
    if isinstance(values, list):
        raise InputError(f"{path}: holds a list of fits, not one; read it with load_fits")
    return Fit.from_dict(values, path)


def load_fits(path: str | Path) -> list[Fit]:
    """Read what `save_fits` or `save_fit` wrote; errors as for `load_fit`."""
    values = _read(path)
    return [Fit.from_dict(one, path) for one in (values if isinstance(values, list) else [values])]


def _written(fits: Sequence[Fit], path: str | Path, volumes: str | Path) -> list[dict[str, Any]]:
    if Path(path).parent != Path(volumes).parent:
        raise ValueError(f"{volumes} does not lie beside {path}")
    arrays: dict[str, Any] = {
        f"own_{i}": fit.own.values.astype(np.float16) for i, fit in enumerate(fits) if fit.own is not None
    }
    with whole_file(volumes) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    records = []
    for i, fit in enumerate(fits):
        record = {"format": FORMAT, "format_version": FORMAT_VERSION, **fit.to_dict()}
        if fit.own is not None:
            record["own"] = {"file": Path(volumes).name, "array": f"own_{i}", **record["own"]}
        records.append(record | made_by())
    return records


def _read(path: str | Path) -> Any:
    if not Path(path).is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    try:
        return read_json(path)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not JSON ({error})") from None
