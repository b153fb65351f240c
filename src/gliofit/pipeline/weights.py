"""Which networks a config needs, and where their weights are: released, named by the config, or trained in the run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.inversion import describe
from gliofit.inversion.registry import OPTIONAL
from gliofit.pipeline.config import find
from gliofit.pipeline.config_sections import Config

OWN_GRID = ("lmi", "nnunet")
"""Networks that see the whole brain, on a grid of their own."""

OWN_TRAINING = "nnunet"
"""Learns from patients instead of shards, and its loss is in no figure of mean squared errors."""


@dataclass(frozen=True)
class Weights:
    """
    Weights of all networks in use. Paths are relative to the folder of the run.

    Parameters
    ----------
    needed : list of str
        Networks that the methods need.
    released : dict of str → Path
        Those that are there, by network …
    trained : list of str
        … and those that are trained here.
    compared : dict of str → str
        Further surrogates, evaluated beside the methods' own and used by no method.
    geometry_aware : str, optional
        A released geometry-aware surrogate, evaluated beside those that its study trains.
    """

    needed: list[str]
    released: dict[str, Path]
    trained: list[str]
    compared: dict[str, str]
    geometry_aware: str | None = None

    @classmethod
    def of(cls, config: Config, root: str | Path) -> Weights:
        """
        Of a config.

        Parameters
        ----------
        config : Config
        root : path
            The repository, which has the released weights.

        Raises
        ------
        InputError
            If weights that the config names are missing, or of another role or grid.
        """
        needed = sorted({network for method in config.methods for network in describe(method).networks})
        released = {} if config.train else _released(config, Path(root), needed)
        missing = [network for network in needed if network not in released]
        # optional ones are trained only if asked for
        trained = [network for network in missing if config.train or network not in OPTIONAL]
        found = cls(needed, released, trained, {})
        compared = {name: _named("compared", path, root) for name, path in config.networks.compared.items() if path}
        # those for another grid are passed over
        paths = {name: os.path.relpath(p) for name, (p, card) in compared.items() if card["spacing"] == config.spacing}
        others = {n: p for n, p in paths.items() if p != found.path("surrogate")}
        return cls(needed, released, trained, others, _geometry_aware(config, root))

    def path(self, network: str) -> str:
        """A network's weights."""
        if network in self.released:
            return os.path.relpath(self.released[network])
        return f"results/networks/{network}/weights.safetensors"

    def of_method(self, method: str) -> list[str]:
        """Weights of the networks that a method needs, as far as there are or will be any."""
        known = [*self.released, *self.trained]
        return [self.path(network) for network in describe(method).networks if network in known]

    @property
    def surrogates(self) -> dict[str, str]:
        """Weights of the surrogates that are evaluated: the methods' own, and others to compare it with."""
        return {name: self.path(name) for name in self.needed if name == "surrogate"} | self.compared

    @property
    def cards(self) -> dict[str, str]:
        """Cards of all networks in use."""
        paths = {name: self.path(name) for name in [*self.released, *self.trained]} | self.surrogates
        return {name: str(Path(path).with_suffix(".json")) for name, path in paths.items()}

    @property
    def on_shards(self) -> list[str]:
        """Networks that are trained here on shards of simulated tumours."""
        return [network for network in self.trained if network != OWN_TRAINING]

    @property
    def logs(self) -> dict[str, str]:
        """Training logs: written here, or on the card of a released network."""
        cards = {
            network: path.with_suffix(".json") for network, path in self.released.items() if network != OWN_TRAINING
        }
        return {network: f"results/networks/{network}/training.csv" for network in self.on_shards} | {
            network: os.path.relpath(card) for network, card in cards.items() if "log" in read_json(card)
        }


def _released(config: Config, root: Path, needed: list[str]) -> dict[str, Path]:
    """Weights that come with the repository, or that the config names in their place."""
    paths = {network: root / "resources" / "weights" / f"{network}.safetensors" for network in needed}
    found = {network: path for network, path in paths.items() if path.is_file()}
    for network, named in config.networks.released.items():
        if named and network in needed:
            key = f"released.{network}"
            found[network], card = _named(key, named, root)
            if card["role"] != network:
                raise InputError(f"networks.{key}: {found[network]}: is a network of role '{card['role']}'")
            if network not in OWN_GRID and card["spacing"] != config.spacing:
                raise InputError(f"networks.{key}: {found[network]}: is for spacing: {card['spacing']:g}")
    return found


def _geometry_aware(config: Config, root: str | Path) -> str | None:
    """The released geometry-aware surrogate, if there is a study of it on the grid that it is for."""
    if config.train or not config.geometry_aware.train:
        return None
    named = config.networks.released.get("geometry_aware")
    path = Path(root) / "resources" / "weights" / "geometry_aware.safetensors"
    if not named and not path.is_file():
        return None
    weights, card = _named("released.geometry_aware", named or str(path), root)
    if card["role"] != "geometry_aware":
        raise InputError(f"networks.released.geometry_aware: {weights}: is a network of role '{card['role']}'")
    return os.path.relpath(weights) if card["spacing"] == (config.geometry_aware.spacing or config.spacing) else None


def _named(key: str, path: str, root: str | Path) -> tuple[Path, dict[str, Any]]:
    """Weights that the config names, and their card."""
    weights = find(path, root)
    card = weights.with_suffix(".json")
    if not (weights.is_file() and card.is_file()):
        raise InputError(f"networks.{key}: {weights}: no such weights with a card beside them")
    return weights, read_json(card)
