"""
Train nnU-Net for `benchmarks/recurrences.py`: on patients like those that are tested there, and on none of them.

    python benchmarks/nnunet.py FOLDER [--patients 150] [--epochs 45]

FOLDER/nnunet.safetensors is what `recurrences.py FOLDER --rows nnunet nnunet_pet` uses. Needs the extra `nnunet`. A run
that was stopped goes on from its last epoch.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from cases import brain

from gliofit.synthetic.nnunet_cases import make_cases
from gliofit.training.nnunet import train_nnunet
from gliofit.training.settings import NnunetSettings


def main() -> None:
    own = NnunetSettings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=own.patients, help="of one focus, and as many of three")
    parser.add_argument("--epochs", type=int, default=own.epochs)
    given = parser.parse_args()
    settings, folder = NnunetSettings(patients=given.patients, epochs=given.epochs), given.folder
    cases, started = folder / f"nnunet_{given.patients}.npz", time.process_time()
    if not cases.is_file():
        patients = range(settings.patients)
        make_cases(brain(settings.truth), cases, patients, spacing=settings.spacing, predicts=settings.predicts)
        print(f"cases: {time.process_time() - started:.0f} CPU s", flush=True)
    card = train_nnunet(
        settings,
        [cases],
        folder / "nnunet.safetensors",
        log_csv=folder / "nnunet.csv",
        figure_png=folder / "nnunet.png",
        checkpoint=folder / "nnunet.pt",
    )
    print(f"training: {card['cpu_seconds']:.0f} CPU s, {card['parameters']} parameters, {card['metrics']}")


if __name__ == "__main__":
    main()
