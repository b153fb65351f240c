"""What a run makes of Learn-Morph-Infer's Table 2, beside its `Plan`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from gliofit.evaluation.lmi_table import EXPERIMENTS, NETWORKS, title
from gliofit.pipeline.config_sections import Config

FOLDER = "results/lmi_study"


@dataclass(frozen=True)
class LmiPlan:
    """
    The study of a run; without a growth model there is none, and everything is empty.

    Parameters
    ----------
    config : Config
    """

    config: Config
    crop_mm: ClassVar[float] = 160.0
    """Of the tumours' shards: hardly a cell of one of the prior's volume lies beyond."""

    @property
    def models(self) -> list[str]:
        """Growth models of its tumours."""
        return self.config.lmi_study.models

    @property
    def experiments(self) -> dict[str, str]:
        """Titles of the rows of the table."""
        return {name: title(name) for name, (model, _) in EXPERIMENTS.items() if model in self.models}

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
        return {targets: f"{FOLDER}/{model}/{targets}.safetensors" for targets in NETWORKS}

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
        return given | {"start": begins[0] if begins else None}

    @property
    def scores(self) -> list[str]:
        """A file per shard of test tumours."""
        tests = [path for model in self.models for path in self.shards(model, "test")]
        return [path.replace("/test/", "/scores/").replace(".h5", ".csv") for path in tests]

    @property
    def logs(self) -> dict[str, str]:
        """Training logs by the names that the figure gives them."""
        pairs = [(model, targets) for model in self.models for targets in NETWORKS]
        return {f"{model}: {targets}": f"{FOLDER}/{model}/{targets}.csv" for model, targets in pairs}

    @property
    def tables(self) -> dict[str, str]:
        """Table 2."""
        return {"lmi": "results/tables/lmi.csv"} if self.models else {}

    @property
    def figures(self) -> dict[str, str]:
        """Figs. 3 to 6, and how the networks learned."""
        names = ("lmi_errors", "lmi_targets", "lmi_examples", "lmi_learning") if self.models else ()
        return {name: f"results/figures/{name}.png" for name in names}
