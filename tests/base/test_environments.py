"""What installs the environment: every recipe takes the same pins, and the lock has their hashes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ENVS = Path(__file__).parents[2] / "envs"
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    found = PIN.findall((ENVS / name).read_text())
    return {re.sub("[_.]", "-", package.lower()): version for package, version in found}


def test_the_lock_has_the_pins_of_the_requirements_and_a_hash_of_each():
    locked = (ENVS / "requirements.lock").read_text()
    assert pins("requirements.lock") == pins("requirements.txt"), "run: make lock"
    assert len(pins("requirements.lock")) > 100
    without_hash = [block for block in re.split(r"\n(?=[A-Za-z0-9])", locked)[1:] if "--hash=sha256:" not in block]
    assert not without_hash


def test_every_recipe_installs_the_requirements():
    conda = yaml.safe_load((ENVS / "environment.yaml").read_text())
    (pip,) = [entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict)]
    assert "-r requirements.txt" in pip
    for name in ("Dockerfile", "predict_gbm.Dockerfile", "predict_gbm.def"):
        assert "requirements.txt" in (ENVS / name).read_text(), name
