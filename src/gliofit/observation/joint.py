"""Several observations of one tumour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.parameter import Parameter
from gliofit.observation.observation import Observation
from gliofit.observation.residuals import Residuals


@dataclass(frozen=True, eq=False)
class JointTarget(Observation):
    """
    Several observations of one tumour: the losses add, weighted, and the extras follow one another.

    Parameters
    ----------
    parts : tuple of Observation
        On the same grid; the first says where the tumour is.
    weights : tuple of float
        Of the parts' losses.
    """

    parts: tuple[Observation, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.parts) != len(self.weights) or not self.parts:
            raise InputError(f"{len(self.parts)} observations but {len(self.weights)} weights")
        for part in self.parts:
            if not isinstance(part, Observation):
                raise InputError(f"{type(part).__name__} among several observations is none")
        for weight in self.weights:
            if isinstance(weight, bool) or not isinstance(weight, int | float | np.number) or not 0 < weight < np.inf:
                raise InputError(f"the weight {weight!r} of an observation must be a positive number")
        if len({part.shape for part in self.parts}) > 1:
            raise InputError(f"observations differ in shape: {[part.shape for part in self.parts]}")

    @property
    def shape(self) -> tuple:
        return self.parts[0].shape

    @property
    def unknowns(self) -> tuple[Parameter, ...]:
        return tuple(unknown for part in self.parts for unknown in part.unknowns)

    @property
    def complete(self) -> bool:
        return all(part.complete for part in self.parts)

    @property
    def layers(self) -> int:
        return self.parts[0].layers

    @property
    def extra_starts(self) -> list[Array]:
        """The first part's starts, each with the others' defaults."""
        rest = [part.extra_start for part in self.parts[1:]]
        return [np.concatenate([first, *rest]) for first in self.parts[0].extra_starts]

    @property
    def visible(self) -> Array:
        return self.parts[0].visible

    def visible_size(self, c: Array, extras: Array) -> float:
        return self.parts[0].visible_size(c, extras[self._split(extras)[0]])

    def best_extras(self, c: Array) -> Array:
        return np.concatenate([part.best_extras(c) for part in self.parts])

    def explained(self, c: Array, extras: Array) -> dict[str, float]:
        found: dict[str, float] = {}
        for part, here in zip(self.parts, self._split(extras), strict=True):
            found |= part.explained(c, extras[here])
        return found

    @property
    def outlined(self) -> Observation | None:
        return next((part.outlined for part in self.parts if part.outlined is not None), None)

    def sharpened(self) -> JointTarget:
        return JointTarget(tuple(part.sharpened() for part in self.parts), self.weights)

    def voxelwise(self) -> JointTarget:
        return JointTarget(tuple(part.voxelwise() for part in self.parts), self.weights)

    def missed(self, c: Array, extras: Array) -> list[Array]:
        parts = zip(self.parts, self._split(extras), strict=True)
        return [mask for part, here in parts for mask in part.missed(c, extras[here])]

    def outlines(self) -> tuple[Array, Array] | None:
        return next((found for part in self.parts if (found := part.outlines()) is not None), None)

    def suggested_density(self, tissue: Tissue, extras: Array | None = None) -> Array | None:
        """Of the first part that suggests one."""
        own = [None] * len(self.parts) if extras is None else [extras[place] for place in self._split(extras)]
        for part, values in zip(self.parts, own, strict=True):
            found = part.suggested_density(tissue, values)
            if found is not None:
                return found
        return None

    def _split(self, extras: Any) -> list[slice]:
        ends = np.cumsum([len(part.extra_names) for part in self.parts])
        return [slice(end - len(part.extra_names), end) for part, end in zip(self.parts, ends, strict=True)]

    def arrays(self) -> dict[str, Array]:
        return {f"{i}.{name}": a for i, part in enumerate(self.parts) for name, a in part.arrays().items()}

    def residuals(self, c: Array, extras: Array) -> Residuals:
        """The parts' maps one after another, scaled so that mean(r²) is the loss."""
        found = [
            (part.residuals(c, extras[here]), here) for part, here in zip(self.parts, self._split(extras), strict=True)
        ]
        maps = sum(len(own.r) for own, _ in found)
        r, slope, by_size = (np.zeros((maps, *c.shape), c.dtype) for _ in range(3))
        extra = np.zeros((len(extras), maps, *c.shape), c.dtype)
        size_by_extra = np.zeros((len(extras), maps))
        curving = np.ones_like(r)
        at = 0
        for (own, here), weight in zip(found, self.weights, strict=True):
            factor = c.dtype.type(np.sqrt(weight * maps / len(own.r)))
            place = slice(at, at + len(own.r))
            r[place], slope[place], extra[here, place] = factor * own.r, factor * own.by_density, factor * own.by_extra
            if own.size_by_density is not None:
                by_size[place], size_by_extra[here, place] = own.size_by_density, own.size_by_extra
            if own.curving is not None:
                curving[place] = own.curving
            at += len(own.r)
        return Residuals(r, slope, extra, by_size, size_by_extra, curving)

    def loss(self, c: Array, extras: Array) -> float:
        """Weighted sum of the parts' losses."""
        parts = zip(self.parts, self.weights, self._split(extras), strict=True)
        return sum(weight * part.loss(c, extras[here]) for part, weight, here in parts)

    def torch_loss(self, c: Any, arrays: dict[str, Any], extras: Any) -> Any:
        """The same loss on torch tensors."""
        total = 0.0
        for i, (part, weight, here) in enumerate(zip(self.parts, self.weights, self._split(extras), strict=True)):
            own = {name: arrays[f"{i}.{name}"] for name in part.arrays()}
            total = total + weight * part.torch_loss(c, own, extras[here])
        return total

    def map(self, function: Callable[[Array], Array]) -> JointTarget:
        return JointTarget(tuple(part.map(function) for part in self.parts), self.weights)
