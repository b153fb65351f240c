"""
`python -m gliofit.pipeline.config_docs`: write what the config's sections say of themselves to where it is read.

That is the table of keys in `config/README.md`, between its two markers, and the JSON schema
`workflow/schemas/config.schema.json`, which editors check a config with while it is typed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from gliofit.base.files import write_text
from gliofit.pipeline.config_sections import Config

ROOT = Path(__file__).parents[3]
README = ROOT / "config" / "README.md"
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.json"
DEFAULTS = ROOT / "config" / "config.yaml"

BEGIN, END = "<!-- keys: made by make config-docs -->", "<!-- end of keys -->"


def schema() -> dict[str, Any]:
    """JSON schema of a whole config."""
    made = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "GlioFit's config"}


def table() -> str:
    """The keys as a Markdown table: key, values, default of `config/config.yaml`, meaning."""
    made = schema()
    rows = ["| key | values | default | meaning |", "|---|---|---|---|"]
    rows += _rows(made, made["$defs"], "", yaml.safe_load(DEFAULTS.read_text(encoding="utf-8")))
    return "\n".join(rows)


def _rows(section: dict[str, Any], known: dict[str, Any], prefix: str, defaults: dict[str, Any]) -> list[str]:
    rows = []
    for name, key in section["properties"].items():
        path, default = f"{prefix}{name}", defaults.get(name, key.get("default"))
        below = known.get(key.get("$ref", "").removeprefix("#/$defs/"))
        if below is None:
            shown = "see the file" if isinstance(default, dict) and len(default) > 1 else _value(default)
            rows.append(f"| `{path}` | {_values(key, known)} | {shown} | {key['description']} |")
        elif below in (known["Settings"], known["WholeBrainSettings"]):
            rows.append(f"| `{path}` | keys of `networks.*` | | {key['description']} |")
        else:
            rows += _rows(below, known, f"{path}.", default)
    if prefix == "networks.":
        rows += _training(known)
    return rows


def _training(known: dict[str, Any]) -> list[str]:
    """Keys of every network's training, then those that some have beside them; defaults of the code."""
    common = known["Settings"]["properties"]
    entries = [(f"networks.*.{name}", key) for name, key in common.items()]
    for network, section in (("lmi", "WholeBrainSettings"), ("geometry_aware", "GeometryAwareSettings")):
        own = known[section]["properties"]
        entries += [(f"networks.{network}.{name}", key) for name, key in own.items() if name not in common]
    return [
        f"| `{path}` | {_values(key, known)} | {_value(key.get('default', {}))} | {key['description']} |"
        for path, key in entries
    ]


def _values(key: dict[str, Any], known: dict[str, Any]) -> str:
    """What a key may be, in words."""
    if "anyOf" in key:
        return " or ".join(_values(part, known) for part in key["anyOf"])
    if "$ref" in key:
        names = known[key["$ref"].removeprefix("#/$defs/")]["properties"]
        return f"`{{{', '.join(names)}}}`"
    if "enum" in key:
        return ", ".join(_value(value) for value in key["enum"])
    kind = key["type"]
    if kind == "array":
        return "`[lowest, highest]`" if key.get("maxItems") == 2 else "a list"
    words = {"boolean": "`true`, `false`", "string": "text", "null": "`null`", "object": "mapping"}
    words |= {"integer": "whole number", "number": "number"}
    limits = {"exclusiveMinimum": "> ", "minimum": "≥ ", "exclusiveMaximum": "< ", "multipleOf": "multiple of "}
    told = [f"{sign}{key[name]:g}" for name, sign in limits.items() if name in key]
    return " ".join([words[kind], ", ".join(told)]).strip()


def _value(value: Any) -> str:
    """A value as YAML has it."""
    return f"`{value:g}`" if isinstance(value, float) else f"`{json.dumps(value, ensure_ascii=False)}`".replace('"', "")


def with_table(readme: str) -> str:
    """`config/README.md` with the table between its markers made anew."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


def schema_text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_text(README, with_table(README.read_text(encoding="utf-8")))
    write_text(SCHEMA, schema_text())
    print(f"wrote the table of keys in {README.relative_to(ROOT)}, and {SCHEMA.relative_to(ROOT)}")
