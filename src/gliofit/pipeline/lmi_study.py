"""What a run makes of Learn-Morph-Infer's Table 2, beside its `Plan`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gliofit.evaluation.lmi_table import EXPERIMENTS, NETWORKS, title
from gliofit.pipeline.config_sections import Config, LmiStudy

FOLDER = "results/lmi_study"

SPLITS = ("train", "validation", "test")

CROP_MM = 160.0
"""Of the tumours' shards: hardly a cell of one of the prior's volume lies beyond."""


def experiments(config: Config) -> dict[str, str]:
    """Titles of the rows of the table."""
    return {name: title(name) for name, (model, _) in EXPERIMENTS.items() if model in config.lmi_study.models}


def number(study: LmiStudy, model: str, split: str) -> int:
    """Tumours of a split."""
    train = study.train[model]  # type: ignore[index] # a key of the config
    return {"train": train, "validation": max(4, train // 10), "test": study.test[model]}[split]  # type: ignore[index]


def shards(study: LmiStudy, model: str, split: str) -> list[str]:
    """Files of a split: a job each, with about as many tumours for all."""
    count = min(study.shards, number(study, model, split)) if split != "validation" else 1
    return [f"{FOLDER}/{model}/{split}/{shard}.h5" for shard in range(count)]


def shard_size(study: LmiStudy, model: str, split: str, shard: int) -> int:
    """Tumours of one of them."""
    total, count = number(study, model, split), len(shards(study, model, split))
    return total // count + (shard < total % count)


def weights(model: str) -> dict[str, str]:
    """Networks of a growth model, by what they tell."""
    return {targets: f"{FOLDER}/{model}/{targets}.safetensors" for targets in NETWORKS}


def followed(study: LmiStudy, model: str, targets: str) -> list[str]:
    """The weights that a network begins with, and their card."""
    if not study.follow or model == "fisher_kolmogorov":
        return []
    path = weights("fisher_kolmogorov")[targets]
    return [path, path.replace(".safetensors", ".json")]


def settings(study: LmiStudy, model: str, targets: str) -> dict[str, Any]:
    """How a network is trained."""
    given = asdict(study.network) | ({} if targets == "all" else {"targets": targets})
    begins = followed(study, model, targets)
    return given | {"start": begins[0] if begins else None}


def scores(study: LmiStudy) -> list[str]:
    """A file per shard of test tumours."""
    tests = [path for model in study.models for path in shards(study, model, "test")]
    return [path.replace("/test/", "/scores/").replace(".h5", ".csv") for path in tests]


def logs(study: LmiStudy) -> dict[str, str]:
    """Training logs by the names that the figure gives them."""
    return {f"{model}: {targets}": f"{FOLDER}/{model}/{targets}.csv" for model in study.models for targets in NETWORKS}


def tables(config: Config) -> dict[str, str]:
    return {"lmi": "results/tables/lmi.csv"} if config.lmi_study.models else {}


def figures(config: Config) -> dict[str, str]:
    names = ("lmi_errors", "lmi_targets", "lmi_examples", "lmi_learning") if config.lmi_study.models else ()
    return {name: f"results/figures/{name}.png" for name in names}
