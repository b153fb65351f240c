"""Sections of a configuration: keys with types, ranges and descriptions, and their faults in words."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
"""Unknown keys and values of another type are refused."""


class Section(BaseModel):
    """A section of the config. Every key says what it means in its `Field(description=…)`."""

    model_config = STRICT

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """As `true` equals 1, a choice of numbers would take it for one."""
        if _chooses_numbers(cls.model_fields[str(info.field_name)].annotation) and _holds_truth(value):
            raise ValueError(f"{value!r} is not valid: true and false are no numbers")
        return value


def _chooses_numbers(annotation: Any) -> bool:
    """Whether an annotation has a choice among numbers in it."""
    if get_origin(annotation) is Literal:
        return any(isinstance(choice, int | float) for choice in get_args(annotation))
    return any(_chooses_numbers(part) for part in get_args(annotation))


def _holds_truth(value: Any) -> bool:
    """Whether true or false is a value, or in a list or mapping."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return isinstance(value, bool) or any(_holds_truth(part) for part in parts)


def fault(error: ValidationError, model: Any) -> str:
    """
    The first problem that pydantic found, in words.

    Parameters
    ----------
    error : ValidationError
    model : type
        What was validated: a `Section`, or a dataclass that is one.
    """
    # of a union's complaints, the one that got furthest into the value is what the user meant
    first = max(error.errors(), key=lambda e: (e["type"] in UNKNOWN, len(e["loc"])))
    names = {*_names(model)}
    path = [str(part) for part in first["loc"] if part not in names | {"str", "dict[str,any]"} and "[" not in str(part)]
    key = ".".join(path)
    if first["type"] in UNKNOWN:
        return unknown("key", key, [".".join([*path[:-1], name]) for name in _keys(model, path[:-1])])
    if first["type"] == "missing":
        return f"the key '{key}' is missing"
    if first["type"] == "value_error":
        return f"{key}: {first['ctx']['error']}"
    return f"{key} = {first['input']!r} is not valid: {first['msg'][0].lower()}{first['msg'][1:]}"


UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""Pydantic's types of errors for a key that a section, or a dataclass, does not have."""


def unknown(kind: str, name: str, known: list[str]) -> str:
    """The words for an unknown name, with the nearest known one."""
    close = get_close_matches(name, known, 1, 0.6)
    hint = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(sorted(known)) or 'none'}"
    return f"unknown {kind} '{name}'; {hint}"


def sections(annotation: Any) -> list[type]:
    """Sections that an annotation allows: itself, or those of a union."""
    if isinstance(annotation, type) and (is_dataclass(annotation) or issubclass(annotation, BaseModel)):
        return [annotation]
    return [found for part in get_args(annotation) for found in sections(part)]


def keys(section: Any) -> dict[str, Any]:
    """Annotation of each key of a section."""
    if is_dataclass(section):
        hints = get_type_hints(section)
        return {field.name: hints[field.name] for field in fields(section)}
    return {name: field.annotation for name, field in section.model_fields.items()}


def _keys(model: type, path: list[str]) -> list[str]:
    """The keys of a section, by its dotted path."""
    for part in path:
        model = sections(keys(model)[part])[0]
    return list(keys(model))


def _names(model: type) -> list[str]:
    """Names of the sections within unions, which pydantic puts into the path of an error."""
    below = [section for annotation in keys(model).values() for section in sections(annotation)]
    return [s.__name__ for s in below] + [name for section in below for name in _names(section)]
