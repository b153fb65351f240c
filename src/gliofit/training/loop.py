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
from torch import nn
from tqdm import tqdm

from gliofit.base.errors import InputError
from gliofit.base.files import whole_file
from gliofit.base.threads import torch_threads
from gliofit.networks.weights import build, load_network, read_card, save_network
from gliofit.synthetic.physical_shards import PhysicalDataset
from gliofit.synthetic.rough_views import RoughViews
from gliofit.synthetic.shards import ShardDataset
from gliofit.training.batches import batch_indices, collate
from gliofit.training.log import draw_losses, write_log
from gliofit.training.losses import WHOLE_BRAIN, loss_of, validate, window_loss
from gliofit.training.settings import Settings, ViewSettings, WholeBrainSettings
from gliofit.training.whole_brain import PAIRS, WholeBrainDataset

STATE = ("step", "seconds", "cpu_seconds", "rows", "best")
"""What a checkpoint keeps beside network and optimiser."""


def datasets(
    role: str, settings: Settings, train_paths: Sequence[str | Path], val_paths: Sequence[str | Path]
) -> tuple[ShardDataset, ShardDataset]:
    """Training and validation data of a role."""
    if role == "geometry_aware":
        return PhysicalDataset(train_paths, flip=settings.flip), PhysicalDataset(val_paths)
    if role not in WHOLE_BRAIN:
        return ShardDataset(train_paths, flip=settings.flip), ShardDataset(val_paths)
    assert isinstance(settings, WholeBrainSettings)  # `SETTINGS` of this role
    data = WholeBrainDataset(train_paths, settings.spacing, flip=settings.flip, pairs=PAIRS)
    return data, WholeBrainDataset(val_paths, settings.spacing, shape=data.shape)


def held_out(network: Any, paths: Sequence[str | Path]) -> ShardDataset:
    """The samples of shards as a network takes them."""
    if network.role == "geometry_aware":
        return PhysicalDataset(paths)
    if network.role not in WHOLE_BRAIN:
        return ShardDataset(paths)
    return WholeBrainDataset(paths, network.spacing, shape=network.shape)


def _has_bfloat16(device: torch.device) -> bool:
    """Without AVX-512 oneDNN has no convolutions in bfloat16, and PyTorch's own take up to 90 times as long."""
    return device.type != "cpu" or torch.backends.cpu.get_cpu_capability() == "AVX512"


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
    role : {"surrogate", "inverse", "inverse_segmentation", "lmi", "lmi_part", "geometry_aware"}
    settings : Settings
        Of the role: `SETTINGS[role]`.
    train_paths, val_paths : sequence of path
        Shards. Crop shape, spacing and parameter box (the prior's) come from them.
    out_path : path
        Weights (`.safetensors`); the model card is written beside them as `.json`.
    log_csv : path
        One row per validation: step, seconds, learning_rate, train_loss, then the metrics of `losses.validate`.
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
    about = [(type(n), n.shape, n.spacing, n.width, getattr(n, "options", {})) for n in (network, known)]
    if about[0] != about[1]:
        raise InputError(f"{settings.start}: is a network of another architecture, width or grid than is to be trained")
    return known.state_dict()


class _Run:
    """The state of a training run."""

    def __init__(self, role, settings: Settings, data, held_out, about: dict, device: torch.device):
        self.settings, self.data, self.held_out, self.device = settings, data, held_out, device
        self.seed = about["seed"]
        rough = isinstance(settings, ViewSettings) and settings.outlines == "rough"
        self.views = RoughViews(data.shape, data.spacing) if rough else None
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
        metrics = validate(self.network, self.held_out, self.device, self.settings.part(self.step - 1)[2], self.views)
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
        batch = collate(self.data, indices, self.device, outlines, self.views)
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate(self.step)

        def gradients(bfloat16: bool) -> tuple[torch.Tensor, float]:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.step,)))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
                if settings.window and self.network.role == "surrogate":
                    loss = window_loss(self.network, *batch, settings.window, rng)
                else:
                    loss = loss_of(self.network, *batch, settings.part(self.step)[2], settings.terms)
            self.optimiser.zero_grad()
            loss.backward()
            return loss, float(nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip))

        loss, size = gradients(settings.bfloat16 and _has_bfloat16(self.device))
        if not math.isfinite(size):  # in bfloat16 some are NaN by chance on processors
            loss, _ = gradients(False)
        self.optimiser.step()
        return float(loss.detach())
