"""What a run makes of Learn-Morph-Infer's Table 2, beside its `Plan`."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from gliofit.base.errors import InputError
from gliofit.evaluation.lmi_table import EXPERIMENTS, NETWORKS, REFINED, title
from gliofit.pipeline.config_sections import Config

FOLDER = "results/lmi_study"

RELEASED = {"fisher_kolmogorov": "lmi.safetensors", "mass_effect": "lmi_mass_effect.safetensors"}
"""Networks for all of θ in `resources/weights`, made by this study with `config/lmi.yaml` and those after it."""


@dataclass(frozen=True)
class LmiPlan:
    """
    The study of a run; without a growth model there is none, and everything is empty.

    Parameters
    ----------
    config : Config
    root : path
        The repository, which has the released weights.

    Raises
    ------
    InputError
        If released networks are asked for that are not there.
    """

    config: Config
    root: str | Path = "."
    crop_mm: ClassVar[float] = 160.0
    """Of the tumours' shards: hardly a cell of one of the prior's volume lies beyond."""

    def __post_init__(self) -> None:
        for model in self.models:
            path = self.released(model)
            if path and not (path.is_file() and path.with_suffix(".json").is_file()):
                raise InputError(
                    f"lmi_study.released: {path}: no such weights with a card beside them; set it to false"
                )

    def released(self, model: str) -> Path | None:
        """The network of experiment 3 or 6 that comes with the repository, if the study has it."""
        if not self.config.lmi_study.released:
            return None
        return Path(self.root) / "resources" / "weights" / RELEASED[model]

    @property
    def models(self) -> list[str]:
        """Growth models of its tumours."""
        return self.config.lmi_study.models

    @property
    def experiments(self) -> dict[str, str]:
        """Titles of the rows of the table."""
        study = self.config.lmi_study
        names = [name for name, (model, _) in EXPERIMENTS.items() if model in self.models]
        names += [name for name, (_, model) in REFINED.items() if model in self.models and model in study.refined]
        return {name: title(name, study.released) for name in names}

    def number(self, model: str, split: str) -> int:
        """Tumours of a split: train, validation or test."""
        numbers: dict[str, dict[str, int]] = self.config.lmi_study.model_dump(include={"train", "test"})
        if split == "validation":
            return max(4, numbers["train"][model] // 10)
        return numbers[split][model]

    def shards(self, model: str, split: str) -> list[str]:
        """Files of a split: a job each, with about as many tumours for all."""
        count = min(self.config.lmi_study.shards, self.number(model, split)) if split != "validation" else 1
        return [f"{FOLDER}/{model}/{split}/{shard}.h5" for shard in range(count)]

    def shard_size(self, model: str, split: str, shard: int) -> int:
        """Tumours of one of them."""
        total, count = self.number(model, split), len(self.shards(model, split))
        return total // count + (shard < total % count)

    def weights(self, model: str) -> dict[str, str]:
        """Networks of a growth model, by what they tell."""
        made = {targets: f"{FOLDER}/{model}/{targets}.safetensors" for targets in NETWORKS}
        released = self.released(model)
        return made | ({"all": os.path.relpath(released)} if released else {})

    def followed(self, model: str, targets: str) -> list[str]:
        """The weights that a network begins with, and their card."""
        if not self.config.lmi_study.follow or model == "fisher_kolmogorov":
            return []
        path = self.weights("fisher_kolmogorov")[targets]
        return [path, path.replace(".safetensors", ".json")]

    def settings(self, model: str, targets: str) -> dict[str, Any]:
        """How a network is trained."""
        given = asdict(self.config.lmi_study.network) | ({} if targets == "all" else {"targets": targets})
        begins = self.followed(model, targets)
        return given | ({"start": begins[0]} if begins else {})

    def released_tests(self, model: str) -> dict[str, list[str]]:
        """What a network is tested on when it is released: the study's own tumours, and the prior's in two heads."""
        heads = self.config.anatomy, self.config.unseen_anatomy
        return {"the study": self.shards(model, "test"), **{h: [f"results/shards/test/{h}.h5"] for h in heads}}

    def about(self, model: str) -> str:
        """What a released network's page says of the tumours that it has learned from."""
        pushed = f", γ = {self.config.lmi_study.gamma:g} kPa" if model == "mass_effect" else ""
        return f"They have D, ρ and T of Learn-Morph-Infer's ranges (growth model `{model}`{pushed})."

    @property
    def scores(self) -> list[str]:
        """A file per shard of test tumours."""
        tests = [path for model in self.models for path in self.shards(model, "test")]
        return [path.replace("/test/", "/scores/").replace(".h5", ".csv") for path in tests]

    @property
    def logs(self) -> dict[str, str]:
        """Training logs by the names that the figure gives them."""
        found = {}
        for model in self.models:
            for targets, path in self.weights(model).items():
                # a released network's is on its card
                ending = ".json" if targets == "all" and self.released(model) else ".csv"
                found[f"{model}: {targets}"] = str(Path(path).with_suffix(ending))
        return found

    @property
    def tables(self) -> dict[str, str]:
        """Table 2."""
        return {"lmi": "results/tables/lmi.csv"} if self.models else {}

    @property
    def figures(self) -> dict[str, str]:
        """Figs. 3 to 6, and how the networks learned."""
        names = ("lmi_errors", "lmi_targets", "lmi_examples", "lmi_learning") if self.models else ()
        return {name: f"results/figures/{name}.png" for name in names}
