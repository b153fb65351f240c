"""What a run makes of the geometry-aware surrogate (Ezhov 2021): networks, test tumours, table and figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from gliofit.networks.grids import CROP_MM
from gliofit.pipeline.config_sections import Config
from gliofit.pipeline.weights import Weights
from gliofit.training.ablations import RELEASED, RELEASED_TITLE, ROWS

FOLDER = "results/geometry_aware"

TESTED = ("validation", "test")
"""Splits that Table I has columns of."""


class Network(NamedTuple):
    """A network that is trained: its row of Table I, and D_w/D_g of its tumours."""

    row: str
    ratio: float

    @property
    def name(self) -> str:
        return f"{self.row}_{self.ratio:g}"


class Tumours(NamedTuple):
    """A shard: validation, test or unseen; D_w/D_g; the head, by number or name."""

    split: str
    ratio: float
    head: str

    @property
    def path(self) -> str:
        return f"{FOLDER}/samples/{self.ratio:g}/{self.split}/{self.head}.h5"


@dataclass(frozen=True)
class GeometryStudy:
    """
    The study of a run; without training tumours there is none, and everything is empty.

    Parameters
    ----------
    config : Config
    patients : list of str
        Of the sheet.
    weights : Weights
    """

    config: Config
    patients: list[str]
    weights: Weights

    @cached_property
    def networks(self) -> dict[str, Network]:
        """Those that are trained, by name."""
        given = self.config.geometry_aware
        if not given.train:
            return {}
        first, *others = given.ratios
        found = [Network(row, first) for row in [*given.ablations, "f"]] + [Network("f", ratio) for ratio in others]
        return {network.name: network for network in found}

    @property
    def spacing(self) -> float:
        """mm."""
        return self.config.geometry_aware.spacing or self.config.spacing

    @property
    def crop(self) -> tuple[int, int, int]:
        """Voxels of a crop."""
        return (round(CROP_MM / self.spacing),) * 3

    def weights_of(self, name: str) -> str:
        """Where a trained network is."""
        return f"{FOLDER}/networks/{name}/weights.safetensors"

    @property
    def others(self) -> dict[str, str]:
        """Weights of further networks for tumours of the first ratio: the released one, the methods' surrogate."""
        if not self.networks:
            return {}
        released = {RELEASED: self.weights.geometry_aware} if self.weights.geometry_aware else {}
        known = self.weights.surrogates if self.spacing == self.config.spacing else {}
        return released | {name: path for name, path in known.items() if name == "surrogate"}

    @property
    def methods(self) -> dict[str, tuple[str, float]]:
        """Weights and ratio of all that are compared, in the order of the table."""
        first = self.config.geometry_aware.ratios[0]
        trained = {name: (self.weights_of(name), network.ratio) for name, network in self.networks.items()}
        return trained | {name: (path, first) for name, path in self.others.items()}

    @property
    def titles(self) -> dict[str, str]:
        """Of the table's rows."""
        first = self.config.geometry_aware.ratios[0]
        titles = {}
        for name, network in self.networks.items():
            ratio = f", D_w/D_g = {network.ratio:g}" if network.ratio != first else ""
            titles[name] = f"{ROWS[network.row].title}{ratio}"
        others = {RELEASED: RELEASED_TITLE, "surrogate": "surrogate of the methods"}
        return titles | {name: others[name] for name in self.others}

    @property
    def ours(self) -> str:
        """The paper's network as it is trained here."""
        return Network("f", self.config.geometry_aware.ratios[0]).name

    @property
    def shown(self) -> list[str]:
        """What the figures of ages and unseen anatomies show: the paper's, best trained, and the methods'."""
        return [RELEASED if RELEASED in self.others else self.ours, *(name for name in self.others if name != RELEASED)]

    @property
    def compared(self) -> list[str]:
        """The paper's network by ratio, for the figures that compare these."""
        return [name for name, network in self.networks.items() if network.row == "f"]

    @property
    def tumours(self) -> list[Tumours]:
        """Those that networks are tested on."""
        given = self.config.geometry_aware
        if not self.networks:
            return []
        heads = range(given.test_heads)
        deformed = [Tumours(split, ratio, str(i)) for ratio in given.ratios for split in TESTED for i in heads]
        anatomies = [self.config.unseen_anatomy, *self.patients[: given.patients]]
        return deformed + [Tumours("unseen", given.ratios[0], anatomy) for anatomy in anatomies]

    @property
    def released_tests(self) -> dict[str, str]:
        """What a network is tested on when it is released: the head's kind by path."""
        chosen = [
            t for t in self.tumours if t.ratio == self.config.geometry_aware.ratios[0] and t.split != "validation"
        ]
        deformed = f"deformed {self.config.anatomy}"
        named = {t.path: deformed if t.split == "test" else t.head for t in chosen}
        return {path: name for path, name in named.items() if name not in self.patients}

    def settings(self, name: str) -> dict[str, Any]:
        """How a network is trained."""
        return asdict(self.config.networks.geometry_aware) | ROWS[self.networks[name].row].settings

    @property
    def tables(self) -> dict[str, str]:
        """Table I."""
        return {"ezhov_table1": "results/tables/ezhov_table1.csv"} if self.networks else {}

    @property
    def figures(self) -> dict[str, str]:
        """Figs. 6 to 9."""
        return {f"ezhov_{n}": f"results/figures/ezhov_figure{n}.png" for n in range(6, 10) if self.networks}
