"""
nnU-Net as a comparator (Isensee et al. 2021): outlines, FET-PET and tissue → where a tumour is, or will be.

Training is nnU-Net's own (`gliofit.training.nnunet`): its planner chose the network, and its trainer found the weights.
What is kept is what all networks here are kept as, safetensors and a card. nnU-Net's own checkpoints are pickles, and
name the class to build; a card has numbers alone, and the class is this module's.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from itertools import combinations
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.extras import require
from gliofit.base.section import fault

CHANNELS = ("core", "whole", "pet", "wm", "gm", "csf")
"""Of its input, each a fraction: outlines, uptake where it counts, tissue."""

HEADS = 2
"""Background, and what it predicts."""

MIRRORED = (0, 1, 2)
"""Axes of the mirror images that it is trained on, and whose answers are averaged: nnU-Net's default."""

Count = Annotated[int, Field(ge=1, le=4, strict=True)]
Axes = Annotated[list[Annotated[int, Field(ge=1, le=7, strict=True)]], Field(min_length=3, max_length=3)]


class NetworkPlan(BaseModel):
    """What nnU-Net's planner chose of the network; sizes are bounded before anything of that size is allocated."""

    model_config = ConfigDict(extra="forbid")

    features_per_stage: Annotated[
        list[Annotated[int, Field(ge=1, le=512, strict=True)]], Field(min_length=2, max_length=8)
    ]
    kernel_sizes: list[Axes]
    strides: list[Axes]
    n_conv_per_stage: list[Count]
    n_conv_per_stage_decoder: list[Count]

    def build(self) -> nn.Module:
        """The network of nnU-Net's default plans with fresh weights, its answer at the finest resolution alone."""
        from dynamic_network_architectures.architectures.unet import PlainConvUNet

        return PlainConvUNet(
            input_channels=len(CHANNELS),
            num_classes=HEADS,
            n_stages=len(self.features_per_stage),
            conv_op=nn.Conv3d,
            conv_bias=True,
            norm_op=nn.InstanceNorm3d,
            norm_op_kwargs={"eps": 1e-5, "affine": True},
            nonlin=nn.LeakyReLU,
            nonlin_kwargs={"inplace": True},
            deep_supervision=False,
            **self.model_dump(),
        )


class _Mirrored(nn.Module):
    """
    The mean of a network's answers to all mirror images, as nnU-Net's own, but of one batch.

    One image at a time, on one thread, PyTorch passes over oneDNN's convolutions, which are four times as fast here.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.flips = [axes for n in range(len(MIRRORED) + 1) for axes in combinations(MIRRORED, n)]

    def forward(self, image: Tensor) -> Tensor:
        answers = self.network(torch.cat([image.flip([a + 2 for a in axes]) for axes in self.flips]))
        back = [answer.flip([a + 1 for a in axes]) for answer, axes in zip(answers, self.flips, strict=True)]
        return torch.stack(back).mean(0, keepdim=True)


class NnUnet(nn.Module):
    """
    A trained nnU-Net.

    Parameters
    ----------
    shape : sequence of 3 int
        Of the patches that it was planned for, [z, y, x].
    spacing : float
        mm.
    box : None
        It knows no θ.
    width : int
        Features at the finest level.
    architecture : str
    plan : dict
        See `NetworkPlan`.
    predicts : str
        What it gives the probability of: "recurrence" (and the tumour core, which every plan has) or "infiltration".

    Raises
    ------
    InputError
        If the extra is not installed, or the plan is none.
    """

    role = "nnunet"

    def __init__(
        self,
        shape: Sequence[int],
        spacing: float,
        box: None,
        width: int,
        architecture: str = "nnunet",
        *,
        plan: dict[str, Any] | None = None,
        predicts: str = "recurrence",
    ):
        super().__init__()
        require("nnunet", "a network of role 'nnunet'")
        try:
            self.plan = NetworkPlan.model_validate(plan)
        except ValidationError as error:
            raise InputError(f"the plan of an nnU-Net: {fault(error, NetworkPlan)}") from None
        self.shape, self.spacing, self.box, self.width = tuple(shape), float(spacing), None, int(width)
        self.predicts = predicts
        stages = len(self.plan.features_per_stage)
        if {len(self.plan.kernel_sizes), len(self.plan.strides), len(self.plan.n_conv_per_stage)} != {stages}:
            raise InputError("the plan of an nnU-Net: not all of its lists have an entry for each stage")
        self.network = self.plan.build()

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with, beside what all networks have."""
        return {"plan": self.plan.model_dump(), "predicts": self.predicts}

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Each weight once: nnU-Net's modules are known by several names."""
        return {name: weight.detach() for name, weight in self.named_parameters()}

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> None:
        """Of `state_dict`; RuntimeError if they are not its own, as torch's."""
        own = dict(self.named_parameters())
        if {name: w.shape for name, w in state_dict.items()} != {name: w.shape for name, w in own.items()}:
            raise RuntimeError("weights of another network")
        with torch.no_grad():
            for name, weight in own.items():
                weight.copy_(state_dict[name])

    def predict(self, maps: Array) -> Array:
        """
        Probability of what it predicts, by nnU-Net's own sliding window and mirror images.

        Parameters
        ----------
        maps : ndarray [channel, x, y, z]
            See `channels`; at the network's spacing.

        Returns
        -------
        ndarray [x, y, z], float32
            0 outside the box of what is not 0.
        """
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        box = grids.box_of(np.any(maps, axis=0))  # as nnU-Net crops what it trains on; more patches would take longer
        found = np.zeros(maps.shape[1:], np.float32)
        with contextlib.redirect_stdout(io.StringIO()):  # it tells what it cannot do without a GPU
            predictor = nnUNetPredictor(device=next(self.parameters()).device, allow_tqdm=False)
            predictor.network = _Mirrored(self.network)
            # all that the sliding window asks of a plan
            predictor.configuration_manager = SimpleNamespace(patch_size=self.shape)
            predictor.label_manager = SimpleNamespace(num_segmentation_heads=HEADS)
            # nnU-Net reads NIfTI as [z, y, x]
            image = torch.from_numpy(np.ascontiguousarray(maps[:, *box].transpose(0, 3, 2, 1), np.float32))
            logits = predictor.predict_sliding_window_return_logits(image).float().cpu()
        found[box] = torch.softmax(logits, 0)[1].numpy().transpose(2, 1, 0)
        return found


def channels(tissue: Tissue, core: Array, whole: Array, uptake: Array | None = None) -> Array:
    """
    What the network sees, float32 [channel, x, y, z].

    Parameters
    ----------
    tissue : Tissue
    core, whole : ndarray [x, y, z]
        Fractions of voxels.
    uptake : ndarray [x, y, z], optional
        FET-PET in [0, 1], 0 where it is not observed; without it all is 0, as in half of the training cases.
    """
    pet = np.zeros(tissue.shape) if uptake is None else uptake
    maps = (core, whole, pet, tissue.wm, tissue.gm, tissue.csf)
    return np.stack([np.where(tissue.brain, a, 0) for a in maps]).astype(np.float32)
