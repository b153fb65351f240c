"""Training nnU-Net by its own planner and trainer; the weights and the checkpoints are kept as all others are here."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gliofit.base.errors import InputError
from gliofit.base.extras import require
from gliofit.base.files import read_json, whole_file
from gliofit.base.threads import torch_threads
from gliofit.base.versions import versions
from gliofit.networks.nnunet import NetworkPlan, NnUnet
from gliofit.networks.weights import save_network
from gliofit.synthetic.nnunet_cases import load_cases
from gliofit.training.log import write_log
from gliofit.training.nnunet_dataset import (
    CONFIGURATION,
    DATASET,
    folders,
    plan_and_preprocess,
    write_dataset,
)
from gliofit.training.settings import NnunetSettings


def train_nnunet(
    settings: NnunetSettings,
    cases: Sequence[str | Path],
    out_path: str | Path,
    *,
    log_csv: str | Path,
    figure_png: str | Path,
    checkpoint: str | Path,
    threads: int = 1,
    seed: int = 0,
    device: str = "cpu",
) -> dict[str, Any]:
    """
    Plan and train nnU-Net on synthetic patients, and keep the last epoch's weights, as nnU-Net does.

    Parameters
    ----------
    settings : NnunetSettings
    cases : sequence of path
        As `gliofit.synthetic.nnunet_cases.make_cases` wrote them.
    out_path : path
        Weights (`.safetensors`); the card is written beside them as `.json`.
    log_csv, figure_png : path
        Of every epoch: losses, the Dice of validation patches, the rate.
    checkpoint : path
        Written after every epoch. A run with the same settings, seed and data goes on from it, and ends as it would
        have; any other one starts anew. Removed when training is done.
    threads, seed : int
    device : str

    Returns
    -------
    dict
        The card.

    Raises
    ------
    InputError
        Without the extra `nnunet`, or if training diverged.
    """
    require("nnunet", "training of nnU-Net")
    with tempfile.TemporaryDirectory() as scratch, torch_threads(threads):
        work = Path(scratch)
        number = write_dataset(load_cases(cases), work, settings.predicts)
        with folders(work, augmenters=1):  # the planner takes them for torch's threads
            plans = plan_and_preprocess(settings, work)
        about = read_json(work / "raw" / DATASET / "dataset.json")
        identity = json.dumps([asdict(settings), seed, _digest(cases)], sort_keys=True)
        with folders(work, augmenters=0):
            trainer = _trainer(plans, about, settings, Path(checkpoint), identity, seed, torch.device(device))
            started, busy = time.perf_counter(), time.process_time()
            trainer.run_training()
            seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - busy
        rows = _rows(trainer, settings)
    network = _network(plans, settings, trainer.network)
    card = save_network(
        network,
        "nnunet",
        out_path,
        settings=asdict(settings),
        seed=seed,
        data={"train_samples": number, "sha256": json.loads(identity)[2]},
        batch=plans["configurations"][CONFIGURATION]["batch_size"],
        metrics={name: rows[-1][name] for name in ("train_loss", "validation_loss", "dice")},
        nnunet=versions("nnunetv2"),
        # of this run alone, if it went on from a checkpoint
        seconds=seconds,
        cpu_seconds=cpu_seconds,
    )
    write_log(log_csv, rows)
    _draw(figure_png, rows)
    Path(checkpoint).unlink(missing_ok=True)
    return card


def _digest(cases: Sequence[str | Path]) -> str:
    """Of all maps and labels."""
    digest = hashlib.sha256()
    for case in load_cases(cases):
        digest.update(case.name.encode() + case.maps.tobytes() + case.label.tobytes())
    return digest.hexdigest()


def _trainer(
    plans: dict[str, Any],
    about: dict[str, Any],
    settings: NnunetSettings,
    checkpoint: Path,
    identity: str,
    seed: int,
    device: torch.device,
) -> Any:
    """nnU-Net's trainer, with checkpoints that are read without unpickling, gone on from where there is one."""
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    class Trainer(nnUNetTrainer):
        def on_train_epoch_start(self) -> None:
            # so that an epoch is the same whether the run was stopped before it or not
            for seeded in (random.seed, np.random.seed, torch.manual_seed):
                seeded(1000 * seed + self.current_epoch)
            super().on_train_epoch_start()

        def on_validation_epoch_end(self, val_outputs: list) -> None:
            super().on_validation_epoch_end(val_outputs)
            if not np.isfinite(self.logger.get_value("train_losses", -1)):
                raise InputError(f"training of nnU-Net diverged in epoch {self.current_epoch}")

        def save_checkpoint(self, filename: str) -> None:
            if not filename.endswith("checkpoint_latest.pth"):
                return  # the best and the last one are read by nobody here
            kept = json.dumps(self.logger.get_checkpoint(), default=float)
            state = {"identity": identity, "epoch": self.current_epoch + 1, "logging": kept, "best": self._best_ema}
            state |= {"network": self.network.state_dict(), "optimiser": self.optimizer.state_dict()}
            with whole_file(checkpoint) as part:
                torch.save(state | {"best": float(self._best_ema or 0)}, part)

        def load_checkpoint(self, filename_or_checkpoint: Any) -> None:
            state = torch.load(filename_or_checkpoint, map_location=self.device, weights_only=True)
            if state["identity"] != identity:
                self.print_to_log_file(f"{checkpoint}: is of another run; starting anew")
                return
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimiser"])
            self.logger.load_checkpoint(json.loads(state["logging"]))
            self.current_epoch, self._best_ema = state["epoch"], state["best"]

    torch.manual_seed(seed)
    trainer = Trainer({**plans, "continue_training": False}, CONFIGURATION, 0, about, device)
    trainer.num_epochs, trainer.num_iterations_per_epoch = settings.epochs, settings.iterations
    trainer.num_val_iterations_per_epoch = max(1, settings.iterations // 5)  # nnU-Net's share
    trainer.save_every = 1
    trainer.logger.plot_progress_png = lambda folder: None  # a second for every epoch
    trainer.initialize()
    trainer.network.to(memory_format=torch.channels_last_3d)  # a fifth less time on a processor
    if checkpoint.is_file():
        trainer.load_checkpoint(checkpoint)
    return trainer


def _network(plans: dict[str, Any], settings: NnunetSettings, trained: torch.nn.Module) -> NnUnet:
    """What is kept of it; its weights are those of the plan's own network, or loading would fail."""
    plan = plans["configurations"][CONFIGURATION]
    chosen = {name: plan["architecture"]["arch_kwargs"][name] for name in NetworkPlan.model_fields}
    network = NnUnet(
        plan["patch_size"], settings.spacing, None, settings.width, plan=chosen, predicts=settings.predicts
    )
    network.load_state_dict({f"network.{name}": weight.detach().cpu() for name, weight in trained.named_parameters()})
    return network


def _rows(trainer: Any, settings: NnunetSettings) -> list[dict[str, float]]:
    """A row of the log per epoch."""
    kept = trainer.logger.get_checkpoint()
    names = {
        "learning_rate": "lrs",
        "train_loss": "train_losses",
        "validation_loss": "val_losses",
        "dice": "mean_fg_dice",
    }
    rows, seconds = [], 0.0
    for epoch, (begun, ended) in enumerate(
        zip(kept["epoch_start_timestamps"], kept["epoch_end_timestamps"], strict=True)
    ):
        seconds += ended - begun
        values = {name: float(kept[own][epoch]) for name, own in names.items()}
        rows.append({"step": (epoch + 1) * settings.iterations, "seconds": seconds, **values})
    return rows


def _draw(path: str | Path, rows: list[dict[str, float]]) -> None:
    """Losses and the validation's Dice over steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    steps = [row["step"] for row in rows]
    for name, label in (("train_loss", "training"), ("validation_loss", "validation")):
        axes.plot(steps, [row[name] for row in rows], label=f"loss, {label}")
    axes.plot(steps, [row["dice"] for row in rows], "--", label="Dice, validation patches")
    axes.set(xlabel="step", ylabel="cross-entropy − Dice; Dice", title="nnU-Net")
    axes.legend()
    with whole_file(path) as part:
        figure.savefig(part, dpi=150)
