"""The config's documentation is made from its definition."""

from __future__ import annotations

import copy

import pytest
import yaml
from jsonschema import Draft202012Validator

from gliofit.base.section import keys, sections
from gliofit.pipeline import config_docs
from gliofit.pipeline.config_sections import Config


def test_the_table_of_keys_is_up_to_date():
    text = config_docs.README.read_text(encoding="utf-8")
    assert config_docs.with_table(text) == text, "run `make config-docs`"


def test_the_schema_is_up_to_date():
    assert config_docs.SCHEMA.read_text(encoding="utf-8") == config_docs.schema_text(), "run `make config-docs`"


def leaves(section: type, prefix: str = "") -> list[str]:
    found = []
    for name, annotation in keys(section).items():
        below = [] if name == "atlas" else sections(annotation)  # the atlas may be a name, too: one row
        found += leaves(below[0], f"{prefix}{name}.") if below else [f"{prefix}{name}"]
    return found


def test_every_key_has_a_row_with_a_meaning():
    rows = [line.split(" | ") for line in config_docs.table().splitlines()[2:]]
    named = {row[0].strip("| `") for row in rows}
    for path in leaves(Config):
        network = path.split(".")[1] if path.startswith("networks.") and path.count(".") == 2 else None
        shared = path if network is None else path.replace(f".{network}.", ".*.")
        # another network is trained with the same keys: one row for all of them
        whole = path.rsplit(".", 1)[0] if path.startswith("lmi_study.network.") else path
        assert named & {path, shared, whole}, f"{path} has no row"
    assert all(len(row[-1].strip(" |")) > 10 for row in rows)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(config_docs.schema())
    return Draft202012Validator(config_docs.schema())


@pytest.fixture
def values() -> dict:
    return yaml.safe_load(config_docs.DEFAULTS.read_text(encoding="utf-8"))


def test_the_schema_takes_the_shipped_config(validator, values):
    values["methods"] = {name: given for name, given in values["methods"].items() if given is not False}
    assert [error.message for error in validator.iter_errors(values)] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"spacing": 3},
        {"sampels": {}},
        {"samples": {"train": -1}},
        {"networks": {"surrogate": {"widht": 8}}},
        {"networks": {"surrogate": {"window": 12}}},
        {"atlas": {"t1": "a"}},
    ],
)
def test_the_schema_refuses_what_the_pipeline_refuses(validator, values, fault):
    changed = copy.deepcopy(values)
    for key, value in fault.items():
        if isinstance(value, dict) and isinstance(changed.get(key), dict):
            changed[key] |= value
        else:
            changed[key] = value
    assert list(validator.iter_errors(changed))
