"""
Released networks: weights as safetensors, and a JSON model card beside them.

The card says what is needed to rebuild the network (architecture, width, shape, spacing, parameter box), where it came
from (settings, seed, data hashes, versions) and how well it did; it carries the hash of the weights it belongs to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, Field, ValidationError
from safetensors.torch import load, save

from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, whole_file
from gliofit.base.section import fault
from gliofit.base.vector_math import prepare_vector_math
from gliofit.base.versions import versions
from gliofit.growth.theta import NAMES
from gliofit.networks.corrected_run import GlioFit
from gliofit.networks.geometry_aware import PHYSICAL, GeometryAware
from gliofit.networks.grids import GEOMETRY_AWARE
from gliofit.networks.inverse import INVERSES, Inverse, SegmentationInverse
from gliofit.networks.lmi import LMIS, Lmi
from gliofit.networks.lmi_part import LmiPart
from gliofit.networks.nnunet import NnUnet
from gliofit.networks.surrogate import Surrogate
from gliofit.networks.weidner import Weidner

prepare_vector_math()  # whoever runs a network, with however many threads

FORMAT = "gliofit-network"
FORMAT_VERSION = 1

SURROGATES: dict[str, type[Surrogate]] = {"weidner": Weidner, "gliofit": GlioFit}

ARCHITECTURES = {
    "surrogate": tuple(SURROGATES),
    "inverse": INVERSES,
    "inverse_segmentation": INVERSES,
    "lmi": LMIS,
    "lmi_part": LMIS,
    "geometry_aware": GEOMETRY_AWARE,
    "nnunet": ("nnunet",),
}

CLASSES: dict[str, Any] = {
    network.role: network for network in (Inverse, SegmentationInverse, Lmi, LmiPart, GeometryAware, NnUnet)
}
"""Of the roles whose architectures share a class."""

WITHOUT_BOX = ("nnunet",)
"""Roles of networks that know no θ."""

Network = Surrogate | Inverse | Lmi | LmiPart | GeometryAware | NnUnet


class CardBox(BaseModel):
    """
    Ranges that the network knows: x, y, z (mm from the crop's centre), μ_D, μ_ρ.

    Of a geometry-aware surrogate D, ρ, T; of an nnU-Net there are none.
    """

    lower: Annotated[list[float], Field(min_length=3, max_length=5)]
    upper: Annotated[list[float], Field(min_length=3, max_length=5)]


class Card(BaseModel):
    """What of a card a network is built from; sizes are bounded before anything of that size is allocated."""

    role: str
    architecture: str
    width: Annotated[int, Field(ge=1, le=1024, strict=True)]
    shape: Annotated[list[Annotated[int, Field(ge=1, le=512, strict=True)]], Field(min_length=3, max_length=3)]
    spacing: Annotated[float, Field(gt=0, le=100)]
    box: CardBox | None = None
    weights_sha256: str
    options: dict[str, Any] = {}


def build(
    role: str, architecture: str, shape: Sequence[int], spacing: float, box: Box | None, width: int, **options: Any
) -> Any:
    """
    A network with fresh weights, of the class of its role; `options` are what some have beside.

    Raises
    ------
    InputError
        On an unknown role or architecture, or a shape or width it cannot work on.
    """
    if role not in ARCHITECTURES:
        raise InputError(f"unknown network role '{role}'; there are: {', '.join(ARCHITECTURES)}")
    if architecture not in ARCHITECTURES[role]:
        raise InputError(f"unknown {role} '{architecture}'; there are: {', '.join(ARCHITECTURES[role])}")
    if role in CLASSES:
        return CLASSES[role](shape, spacing, box, width, architecture, **options)
    assert box is not None  # a card of this role has one
    return SURROGATES[architecture](shape, spacing, box, width)


def card_path(path: str | Path) -> Path:
    """The card beside a weights file."""
    return Path(path).with_suffix(".json")


def save_network(network: Network, architecture: str, path: str | Path, **about: Any) -> dict[str, Any]:
    """
    Write weights and card; the card last, so that weights without a card are not mistaken for a release.

    Parameters
    ----------
    network : Surrogate, Inverse, Lmi, GeometryAware or NnUnet
    architecture : str
    path : path
        Of the weights (`.safetensors`).
    **about
        Further entries of the card, JSON-ready (settings, seed, data, metrics).

    Returns
    -------
    dict
        The card.
    """
    path = Path(path)
    weights = save({k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()})
    card = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "role": network.role,
        "architecture": architecture,
        "width": network.width,
        "shape": list(network.shape),
        "spacing": network.spacing,
        **({"box": {k: getattr(network.box, k).tolist() for k in ("lower", "upper")}} if network.box else {}),
        **({"options": network.options} if isinstance(network, LmiPart | GeometryAware | NnUnet) else {}),
        "parameters": sum(p.numel() for p in network.parameters()),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "versions": versions("gliofit", "torch", "numpy"),
        **about,
    }
    for target, data in ((path, weights), (card_path(path), json.dumps(card, indent=2).encode())):
        with whole_file(target) as part:
            part.write_bytes(data)
    return card


def read_card(path: str | Path, role: str) -> dict[str, Any]:
    """
    The card beside weights, checked against `role` and this version's format.

    Raises
    ------
    InputError
        If it is missing, unreadable, of another format or role, or lacks an entry.
    """
    card_file = card_path(path)
    if not card_file.is_file():
        raise InputError(f"{card_file}: no such file; weights are loaded with their model card beside them")
    try:
        card = json.loads(card_file.read_text())
    except ValueError as error:
        raise InputError(f"{card_file}: is not JSON ({error})") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise InputError(f"{card_file}: is not a {FORMAT} card")
    if card.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{card_file}: has format version {card.get('format_version')}, but this gliofit reads {FORMAT_VERSION}"
        )
    for name, entry in Card.model_fields.items():
        if entry.is_required() and name not in card:
            raise InputError(f"{card_file}: lacks the entry '{name}'")
    try:
        Card.model_validate(card)
    except ValidationError as error:
        raise InputError(f"{card_file}: {fault(error, Card)}") from None
    if card["role"] != role:
        raise InputError(f"{card_file}: describes a network of role '{card['role']}', not '{role}'")
    if role in WITHOUT_BOX:
        return card
    if card.get("box") is None:
        raise InputError(f"{card_file}: lacks the entry 'box'")
    own = len(PHYSICAL) if role == "geometry_aware" else len(NAMES)
    if {len(card["box"]["lower"]), len(card["box"]["upper"])} != {own}:
        raise InputError(f"{card_file}: its box has not the {own} ranges that a network of role '{role}' knows")
    return card


def load_network(path: str | Path, role: str, device: str = "cpu") -> Any:
    """
    A released network, frozen and ready to use, of the class of its role.

    Parameters
    ----------
    path : path
        `.safetensors`, its card beside it (`.json`).
    role : str
        "surrogate", "inverse", "inverse_segmentation", "lmi", "geometry_aware" or "nnunet".
    device : str
        As torch names it.

    Raises
    ------
    InputError
        If weights or card are missing or do not belong together.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    card = read_card(path, role)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != card["weights_sha256"]:
        raise InputError(f"{path}: its SHA-256 is not the one on its card; it is damaged or the card is another's")
    box = None
    if role not in WITHOUT_BOX:
        box = Box(np.array(card["box"]["lower"]), np.array(card["box"]["upper"]))
    size = card["shape"], card["spacing"], box, card["width"]
    network = build(role, card["architecture"], *size, **card.get("options", {}))
    try:
        network.load_state_dict(load(data))
    except RuntimeError as error:
        raise InputError(f"{path}: its weights do not fit the architecture on its card") from error
    return network.to(torch.device(device)).eval().requires_grad_(False)


def load_surrogate(path: str | Path, device: str = "cpu") -> Surrogate:
    """
    A forward surrogate; see `Surrogate` for its use.

    Parameters
    ----------
    path : path
        `.safetensors`, its card beside it (`.json`).
    device : str

    Raises
    ------
    InputError
        If weights or card are missing, do not belong together or are of another format version.
    """
    return load_network(path, "surrogate", device)


def load_inverse(path: str | Path, device: str = "cpu", *, segmentation: bool = False) -> Inverse:
    """
    A direct inverse; see `Inverse.predict`. Parameters and errors as for `load_surrogate`.

    With `segmentation`, the one that takes tumour core and whole tumour in place of the density.
    """
    return load_network(path, "inverse_segmentation" if segmentation else "inverse", device)


def load_lmi(path: str | Path, device: str = "cpu") -> Lmi:
    """Learn-Morph-Infer's network; see `Lmi.predict`. Parameters and errors as for `load_surrogate`."""
    return load_network(path, "lmi", device)


def load_geometry_aware(path: str | Path, device: str = "cpu") -> GeometryAware:
    """Ezhov 2021's surrogate; see `GeometryAware.predict`. Parameters and errors as for `load_surrogate`."""
    return load_network(path, "geometry_aware", device)
