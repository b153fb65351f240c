"""The protocol of an observation: what methods may ask of whatever a scan shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.growth.parameter import Parameter
from gliofit.observation.near import NearOutlines
from gliofit.observation.residuals import Residuals


class Observation(ABC):
    """
    What was seen of one tumour, on a tissue grid.

    `extras` below are the values of its `unknowns`, in their order.

    Attributes
    ----------
    complete : bool
        Whether the density is known everywhere, so that its fit can come down to nothing.
    parts : tuple of Observation
        Those that it consists of: itself, if it is alone.
    layers : int
        How many outlines `visible` is the sum of, one inside another.
    """

    if TYPE_CHECKING:  # a field where there are several, a property where there is one

        @property
        def parts(self) -> tuple[Observation, ...]: ...

    @property
    def complete(self) -> bool:
        return False

    @property
    def layers(self) -> int:
        return 1

    @property
    def unknowns(self) -> tuple[Parameter, ...]:
        """Unknowns of the imaging itself: names, units, ranges, starts."""
        return ()

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of the grid."""

    @property
    @abstractmethod
    def visible(self) -> Array:
        """Weights [x, y, z] of the visible tumour, for its centre of mass and its size."""

    @abstractmethod
    def visible_size(self, c: Array, extras: Array) -> float:
        """What the sum of `visible` would be if the density were `c`."""

    @abstractmethod
    def loss(self, c: Array, extras: Array) -> float:
        """How far a density [x, y, z] is from the observation; the mean square of `residuals`."""

    @abstractmethod
    def residuals(self, c: Array, extras: Array) -> Residuals:
        """The loss as squares, with their derivatives."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """Its maps [x, y, z] by name, as `torch_loss` takes them."""

    @abstractmethod
    def torch_loss(self, c: Any, arrays: dict[str, Any], extras: Any) -> Any:
        """The loss on torch tensors, differentiable by the density and the extras; `arrays` on c's device."""

    @abstractmethod
    def map(self, function: Callable[[Array], Array]) -> Observation:
        """The observation with each of its maps passed through `function` (crop, resample)."""

    def near(self, c: Array) -> tuple[Array | None, Observation | NearOutlines]:
        """
        The voxels that a density [x, y, z] is to be compared in, as flat indices, and the observation of them alone.

        Its loss and residuals are those of the whole grid: in all voxels that are left out there is the same, nothing,
        and one of them stands for them. (None, itself) if every voxel counts for itself.
        """
        return None, self

    def best_extras(self, c: Array) -> Array:
        """Values of the unknowns, within their ranges, with which a density [x, y, z] explains the observation best."""
        return self.extra_start

    def explained(self, c: Array, extras: Array) -> dict[str, float]:
        """How well a density explains each outline, by name: its Dice. Empty without outlines."""
        return {}

    @property
    def outlined(self) -> Observation | None:
        """The part that consists of outlines; None without one."""
        return None

    def sharpened(self) -> Observation:
        """The same with thresholds blurred less: itself, unless it has any."""
        return self

    def voxelwise(self) -> Observation:
        """The same, sharpened but for what a voxel's own densities blur: itself, unless it has thresholds."""
        return self

    def missed(self, c: Array, extras: Array) -> list[Array]:
        """Of each outline, densest first, what a density [x, y, z] does not reach, bool; none if it has none."""
        return []

    def outlines(self) -> tuple[Array, Array] | None:
        """Core and whole tumour, as fractions of voxels; None if it has none."""
        return None

    def suggested_density(self, tissue: Tissue, extras: Array | None = None) -> Array | None:
        """A density that it could have come from, on the tissue's grid; None if it suggests none."""
        return None

    @property
    def extra_names(self) -> tuple[str, ...]:
        """Names of the unknowns."""
        return tuple(u.name for u in self.unknowns)

    @property
    def extra_box(self) -> Box | None:
        """Ranges of the unknowns; None without any."""
        if not self.unknowns:
            return None
        return Box(np.array([u.lower for u in self.unknowns]), np.array([u.upper for u in self.unknowns]))

    @property
    def extra_start(self) -> Array:
        """Where searches of the unknowns begin."""
        return np.array([u.start for u in self.unknowns])

    @property
    def extra_starts(self) -> Sequence[Array]:
        """Starts for searches that can get stuck."""
        return [self.extra_start]


class SingleObservation(Observation):
    """An observation that is alone."""

    @property
    def parts(self) -> tuple[Observation, ...]:
        return (self,)
