"""
One training loop for all networks.

A run is determined by its settings, its seed and its data: batches are drawn by step number, the schedule depends on
the step alone, and a run that was killed goes on from its checkpoint to the same weights (on the same machine and
number of threads).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from gliofit.base.errors import InputError
from gliofit.base.files import whole_file
from gliofit.base.threads import torch_threads
from gliofit.growth.theta import GROWTH, NAMES, ORIGIN
from gliofit.networks.corrected_run import GlioFit, cut
from gliofit.networks.weights import build, load_network, read_card, save_network
from gliofit.synthetic.shards import ShardDataset
from gliofit.training.batches import batch_indices, collate
from gliofit.training.log import draw_losses, write_log
from gliofit.training.settings import Settings, WholeBrainSettings
from gliofit.training.whole_brain import PAIRS, WholeBrainDataset

STATE = ("step", "seconds", "cpu_seconds", "rows", "best")
"""What a checkpoint keeps beside network and optimiser."""


WHOLE_BRAIN = ("lmi", "lmi_part")
"""Roles of networks that see the whole brain."""


def datasets(
    role: str, settings: Settings, train_paths: Sequence[str | Path], val_paths: Sequence[str | Path]
) -> tuple[ShardDataset, ShardDataset]:
    """Training and validation data of a role."""
    if role not in WHOLE_BRAIN:
        return ShardDataset(train_paths, flip=settings.flip), ShardDataset(val_paths)
    assert isinstance(settings, WholeBrainSettings)  # `SETTINGS` of this role
    data = WholeBrainDataset(train_paths, settings.spacing, flip=settings.flip, pairs=PAIRS)
    return data, WholeBrainDataset(val_paths, settings.spacing, shape=data.shape)


def held_out(network: Any, paths: Sequence[str | Path]) -> ShardDataset:
    """The samples of shards as a network takes them."""
    if network.role not in WHOLE_BRAIN:
        return ShardDataset(paths)
    return WholeBrainDataset(paths, network.spacing, shape=network.shape)


def _has_bfloat16(device: torch.device) -> bool:
    """Without AVX-512 oneDNN has no convolutions in bfloat16, and PyTorch's own take up to 90 times as long."""
    return device.type != "cpu" or torch.backends.cpu.get_cpu_capability() == "AVX512"


def loss_of(network: Any, density: Tensor, maps: Tensor, theta: Tensor, factor: int = 1) -> Tensor:
    """
    Surrogate: MSE over tissue voxels, on a grid `factor` times as coarse.

    Others: MSE of θ as the network's `to_unit` scales it (so that μ_D does not dominate).
    """
    if network.role != "surrogate":
        return ((network.unit(density, maps) - network.to_unit(theta)) ** 2).mean()
    static = network.channels(maps)
    if factor == 1:
        return ((network(static, theta) - density) ** 2).sum() / static[:, -1].sum()
    density = F.avg_pool3d(density[:, None], factor)[:, 0]
    return ((network.coarser(static, theta, factor) - density) ** 2).sum() * factor**3 / static[:, -1].sum()


def window_loss(
    network: GlioFit, density: Tensor, maps: Tensor, theta: Tensor, edge: int, rng: np.random.Generator
) -> Tensor:
    """`loss_of` of a surrogate in windows of `edge` voxels, each about a random voxel of its tumour (c > 0.01)."""
    places_of: list[Tensor] = []
    for field in density:
        places = (field > 0.01).nonzero()
        centre = places[rng.integers(len(places))]
        room = torch.tensor(field.shape, device=field.device) - edge
        places_of.append((centre - edge // 2).clamp(min=0).minimum(room) // 2 * 2)
    corners = torch.stack(places_of)
    static = network.channels(maps)
    inside, truth = cut(static[:, -1], corners, edge), cut(density, corners, edge)
    return ((network.window(static, theta, corners, edge) - truth) ** 2).sum() / inside.sum()


@torch.no_grad()
def validate(network: Any, dataset: ShardDataset, device: torch.device, factor: int = 1) -> dict[str, float]:
    """
    Means over a data set (for a surrogate, on a grid `factor` times as coarse).

    Returns
    -------
    dict
        Surrogate: `mse` over the crop (the paper's figure), `mse_tissue` over tissue voxels, `mse_relative` = `mse`
        over that of predicting zero (a ratio of means, where the tables have the mean of the cases' ratios). Others:
        `mse` of θ as `to_unit` scales it, `origin_mm` (mean distance), `mu_D` and `mu_rho` (mean relative error); of
        the network's plain answer, neither averaged with the mirror image's nor clipped; for a part of θ, `mse` alone.
        `mse` chooses the best checkpoint.
    """
    network.eval()
    rows = []
    for first in range(0, len(dataset), 4):
        outlines = np.random.default_rng(first) if network.role == "inverse_segmentation" else None
        density, maps, theta = collate(dataset, range(first, min(first + 4, len(dataset))), device, outlines)
        if network.role != "surrogate":
            unit = (network.unit(density, maps) - network.to_unit(theta)).square().mean(1, keepdim=True)
            if network.role == "lmi_part":
                rows.append(unit)
                continue
            theta = theta[:, : len(NAMES)]
            error = network(density, maps) - theta
            relative = (error / theta)[:, GROWTH].abs()
            rows.append(torch.cat([unit, error[:, ORIGIN].norm(dim=1, keepdim=True), relative], 1))
        else:
            static = network.channels(maps)
            inside = static[:, -1].flatten(1).sum(1) / factor**3
            if factor > 1:
                density = F.avg_pool3d(density[:, None], factor)[:, 0]
            predicted = network.coarser(static, theta, factor) if factor > 1 else network(static, theta)
            square = (predicted - density).square().flatten(1)
            rows.append(torch.stack([square.mean(1), square.sum(1) / inside, density.square().flatten(1).mean(1)], 1))
    network.train()
    means = torch.cat(rows).double().mean(0).tolist()
    if network.role != "surrogate":
        return dict(zip(("mse", "origin_mm", "mu_D", "mu_rho"), means, strict=False))
    return {"mse": means[0], "mse_tissue": means[1], "mse_relative": means[0] / means[2]}


def train(
    role: str,
    settings: Settings,
    train_paths: Sequence[str | Path],
    val_paths: Sequence[str | Path],
    out_path: str | Path,
    *,
    log_csv: str | Path,
    figure_png: str | Path,
    checkpoint: str | Path,
    threads: int = 1,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
) -> dict[str, Any]:
    """
    Train a network and release its best checkpoint.

    Parameters
    ----------
    role : {"surrogate", "inverse", "inverse_segmentation", "lmi", "lmi_part"}
    settings : Settings
        Of the role: `SETTINGS[role]`.
    train_paths, val_paths : sequence of path
        Shards. Crop shape, spacing and parameter box (the prior's) come from them.
    out_path : path
        Weights (`.safetensors`); the model card is written beside them as `.json`.
    log_csv : path
        One row per validation: step, seconds, learning_rate, train_loss, then the metrics of `validate`.
    figure_png : path
        Training and validation loss over steps.
    checkpoint : path
        Written at every validation. A run with the same settings, seed and data goes on from it; any other one starts
        anew. Removed when training is done.
    threads : int
        CPU threads.
    seed : int
        Of initial weights and batches.
    device : str
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    dict
        The model card.
    """
    data, held_out = datasets(role, settings, train_paths, val_paths)
    if (data.shape, data.spacing) != (held_out.shape, held_out.spacing):
        raise InputError(f"{val_paths[0]}: its crops are not those of the training shards")
    about = {
        "settings": asdict(settings),
        "seed": seed,
        **({"start_sha256": read_card(settings.start, role)["weights_sha256"]} if settings.start else {}),
        "data": {
            "train_sha256": data.sha256(),
            "validation_sha256": held_out.sha256(),
            "train_samples": data.samples,
            "validation_samples": held_out.samples,
        },
    }
    with torch_threads(threads):
        run = _Run(role, settings, data, held_out, about, torch.device(device))
        run.resume(Path(checkpoint))
        bar = tqdm(total=settings.steps, initial=run.step, desc=f"{role} {settings.architecture}", disable=not progress)
        with bar:
            while run.step < settings.steps:
                run.advance(bar)
                run.save(Path(checkpoint))
    run.network.load_state_dict(run.best["weights"])
    card = save_network(
        run.network,
        settings.architecture,
        out_path,
        **about,
        metrics=run.best["metrics"],
        best_step=run.best["step"],
        seconds=run.seconds,
        cpu_seconds=run.cpu_seconds,
    )
    write_log(log_csv, run.rows)
    draw_losses(figure_png, run.rows, f"{role} ({settings.architecture})")
    Path(checkpoint).unlink(missing_ok=True)
    return card


def _weights_like(network: Any, role: str, settings: Settings) -> dict[str, torch.Tensor]:
    """The weights at `settings.start`; InputError unless they are of such a network."""
    assert settings.start
    known = load_network(settings.start, role)
    about = [(type(n), n.shape, n.spacing, n.width, getattr(n, "targets", "")) for n in (network, known)]
    if about[0] != about[1]:
        raise InputError(f"{settings.start}: is a network of another architecture, width or grid than is to be trained")
    return known.state_dict()


class _Run:
    """The state of a training run."""

    def __init__(self, role, settings: Settings, data, held_out, about: dict, device: torch.device):
        self.settings, self.data, self.held_out, self.device = settings, data, held_out, device
        self.seed = about["seed"]
        self.identity = json.dumps([role, about], sort_keys=True)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            size = data.shape, data.spacing, data.box, settings.width
            network = build(role, settings.architecture, *size, **settings.options)
        if settings.start:
            network.load_state_dict(_weights_like(network, role, settings))
        self.network = network.to(device).train()
        self.optimiser = torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay, betas=(0.9, 0.99))
        self.step, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.rows: list[dict[str, float]] = []
        self.best: dict[str, Any] = {}

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint, if it is there and is this run's."""
        if not path.is_file():
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except Exception as error:
            raise InputError(f"{path}: cannot be read as a checkpoint; delete it to start anew ({error})") from error
        if state["identity"] != self.identity:
            tqdm.write(f"{path}: is of another run (settings, seed or data differ); starting anew")
            return
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        for name in STATE:
            setattr(self, name, state[name])

    def save(self, path: Path) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {k: getattr(self, k) for k in ("identity", *STATE)}
        state |= {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        with whole_file(path) as part:
            torch.save(state, part)

    def advance(self, bar: tqdm) -> None:
        """Train to the next validation, and validate."""
        started, busy, total, count = time.perf_counter(), time.process_time(), 0.0, 0
        stop = min(self.settings.steps, (self.step // self.settings.interval + 1) * self.settings.interval)
        while self.step < stop:
            loss = self._step()
            total, count, self.step = total + loss, count + 1, self.step + 1
            bar.update()
            bar.set_postfix(loss=f"{loss:.2e}", best=f"{self.best.get('mse', math.nan):.2e}", refresh=False)
        metrics = validate(self.network, self.held_out, self.device, self.settings.part(self.step - 1)[2])
        self.seconds += time.perf_counter() - started
        self.cpu_seconds += time.process_time() - busy
        row = {"step": self.step, "seconds": self.seconds, "learning_rate": self.settings.rate(self.step - 1)}
        self.rows.append({**row, "train_loss": total / count, **metrics})
        if not math.isfinite(total):
            raise InputError(f"training diverged before step {self.step}; a smaller learning_rate may help")
        parts = (self.settings.part(step - 1)[0] for step in (self.step, self.best.get("step", 1)))
        if not self.best or metrics["mse"] < self.best["mse"] or len(set(parts)) > 1:
            weights = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
            self.best = {"mse": metrics["mse"], "step": self.step, "metrics": metrics, "weights": weights}

    def _step(self) -> float:
        settings = self.settings
        indices = batch_indices(self.step, settings.batch, len(self.data), self.seed).tolist()
        outlines = None
        if self.network.role == "inverse_segmentation":
            outlines = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.step,)))
        batch = collate(self.data, indices, self.device, outlines)
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate(self.step)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.step,)))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=settings.bfloat16 and _has_bfloat16(self.device)):
            if settings.window and self.network.role == "surrogate":
                loss = window_loss(self.network, *batch, settings.window, rng)
            else:
                loss = loss_of(self.network, *batch, settings.part(self.step)[2])
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimiser.step()
        return float(loss.detach())
