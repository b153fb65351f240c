"""Profiles and resources: what a cluster is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ON_THE_SUBMITTING_NODE = {"all", "download_sri24", "save_config"}
"""One needs the network, the others take no time."""


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / f"profiles/{name}/profile.yaml").read_text())


def test_the_default_profile_overrules_nothing():
    """Snakemake loads it under every other profile, and where both set a key its value wins."""
    assert not profile("default").keys() & profile("slurm").keys()
    assert not {"retries", "jobs", "cores", "executor", "default-resources"} & profile("default").keys()


@pytest.fixture(scope="module")
def listed(clone) -> dict[str, str]:
    """What a dry run with the cluster's profile says of one job of each rule."""
    pytest.importorskip("snakemake_executor_plugin_slurm")
    arguments = ["--dry-run", "--profile", "profiles/slurm", "--configfile", "config/quick.yaml"]
    done = clone.snakemake(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^ *((?:local)?rule \w+):\n((?: {4,}\w+: .*\n)+)", done.stdout + done.stderr, re.M))


def test_every_job_in_the_queue_names_memory_and_time(listed):
    for name, about in listed.items():
        if name.split()[-1] not in ON_THE_SUBMITTING_NODE:
            resources = re.search(r"resources: (.*)", about)[1]
            assert re.search(r"mem_mb=\d+", resources), f"{name}: {resources}"
            assert re.search(r"runtime=\d+", resources), f"{name}: {resources}"


def test_no_job_asks_for_a_graphics_card_unless_told_to(listed):
    assert not [name for name, about in listed.items() if re.search(r"gpu=[1-9]", about)]


def test_small_rules_are_grouped_and_not_run_on_the_submitting_node():
    rules = {}
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for name, body in re.findall(r"^rule (\w+):\n((?:(?:    .*)?\n)+)", path.read_text(), re.M):
            rules[name] = body
    local = {name for name, body in rules.items() if "localrule: True" in body}
    assert local == ON_THE_SUBMITTING_NODE - {"all"}
    grouped = {name for name, body in rules.items() if "    group:\n" in body}
    assert {"table", "model_plan", "patient_page", "html_report"} <= grouped
    assert not grouped & {"fit_cases", "fit_patient", "train_network", "prepare_patient", "check_patient"}
    # constants would ask for the same again after a job ran out of them
    for name, body in rules.items():
        assert not re.search(r"mem_mb=\d|runtime=[\"\d]", body), name
