"""
`gliodil` on segmented patients, in this checkout and in another, by turns: processor seconds, Dice, loss over time.

    python benchmarks/paired_gliodil.py results/ID/prepared … [--against ../other] [--turns 1] [--write]

As `benchmarks/paired_fits.py` does it; the method's own settings in both. With `--write` the table and the figure of
the loss on the fine grid over processor time go into docs/methods.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np
from paired_fits import Worker, prepare

HERE = Path(__file__).resolve()
DESCENTS = ("gliofit.inversion.discrete_loss.descent", "gliofit.odil.descent")
"""Where checkouts of today and of version 0.1 have the descent."""


def serve(checkout: str) -> None:
    """Do the fits that standard input asks for, with the sources of a checkout."""
    sys.path.insert(0, f"{checkout}/src")
    from gliofit import Tissue, invert

    descent, target_class = None, None
    for name in DESCENTS:
        try:
            descent = import_module(name)
            break
        except ImportError:
            continue
    for name in ("gliofit", "gliofit.imaging"):
        target_class = target_class or getattr(import_module(name), "SegmentationTarget", None)
    assert descent is not None
    assert target_class is not None
    runs, whole = [], descent.descend
    started = 0.0

    def recorded(*args, **settings):
        before = time.process_time() - started
        run = whole(*args, **settings)
        runs.append({"before": before, "seconds": run.seconds, "losses": run.history})
        return run

    descent.descend = recorded
    for number, line in enumerate(sys.stdin):
        with np.load(json.loads(line)[0]) as maps:
            tissue = Tissue(*(maps[name] for name in ("wm", "gm", "csf", "affine")))
            target = target_class(maps["core"], maps["whole"])
        if not number:  # what is compiled or loaded once
            invert(target, tissue, "gliodil", cells=16, times=8, iterations=(2, 2))
        runs.clear()
        started = time.process_time()
        fit = invert(target, tissue, "gliodil")
        seconds = time.process_time() - started
        scores = []
        for observed, name in ((target.core, "threshold_core"), (target.whole, "threshold_whole")):
            seen, there = fit.density >= fit.extras[name], observed >= 0.5
            scores.append(2 * int((seen & there).sum()) / max(int(seen.sum() + there.sum()), 1))
        print(json.dumps({"seconds": seconds, "dice": scores, "runs": runs}), flush=True)


def figure(found: dict[str, dict[str, list[dict]]]) -> None:
    """Loss on the fine grid over processor time, a panel per patient."""
    from pages import DOCS

    from gliofit.reporting.figures import style

    colours = style.colours(["ours", "other"])
    with style.figure(style.PAGE, 2.2) as fig:
        axes = np.atleast_1d(fig.subplots(1, len(found)))
        for ax, (name, fits) in zip(axes, found.items(), strict=True):
            for who, label in (("ours", "now"), ("other", "before")):
                if who in fits:
                    run = fits[who][-1]["runs"][-1]
                    moments = run["before"] + run["seconds"] * (np.arange(len(run["losses"])) + 1) / len(run["losses"])
                    ax.semilogy(moments, run["losses"], color=colours[who], label=label)
            ax.set_title(name)
            ax.set_xlabel("CPU s")
        axes[0].set_ylabel("loss, fine grid")
        axes[0].legend()
        style.save(fig, DOCS / "images" / "gliodil_loss")
    (DOCS / "images" / "gliodil_loss.pdf").unlink()


def main(given: argparse.Namespace) -> None:
    checkouts = {"ours": HERE.parents[1]} | ({"other": Path(given.against).resolve()} if given.against else {})
    workers = {who: Worker(path, HERE) for who, path in checkouts.items()}
    found: dict[str, dict[str, list[dict]]] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for prepared in map(Path, given.prepared):
            name = prepared.parent.name if prepared.is_dir() else prepared.stem
            path = prepared
            if prepared.is_dir():
                path = Path(folder) / f"{name}.npz"
                prepare(prepared, 2.0, path)
            fits = found.setdefault(name, {who: [] for who in workers})
            for _ in range(given.turns):
                for who, worker in workers.items():
                    fits[who].append(worker(path, 1))
            cells = [name]
            for results in fits.values():
                core, whole = results[-1]["dice"]
                seconds = np.median([fit["seconds"] for fit in results])
                cells += [f"{core:.3f} / {whole:.3f}", f"{results[-1]['runs'][-1]['losses'][-1]:.3f}", f"{seconds:.1f}"]
            if "other" in fits:
                pairs = zip(*([fit["seconds"] for fit in fits[who]] for who in ("ours", "other")), strict=True)
                cells.append(f"{np.median([a / b for a, b in pairs]):.2f}")
            rows.append("| " + " | ".join(cells) + " |")
            print(rows[-1], flush=True)
    heads = [f"{who}: {what}" for who in workers for what in ("core / whole Dice", "loss", "CPU s")]
    heads = [head.replace("ours", "now").replace("other", "before") for head in heads]
    heads += ["ratio"] * ("other" in workers)
    lines = [
        "Dice at the fitted thresholds on the working grid of 2 mm, last loss, and processor seconds of the whole fit,",
        f"one thread, default settings, median of {given.turns} (`benchmarks/paired_gliodil.py`; before: 8345a59):",
        "",
        "| patient | " + " | ".join(heads) + " |",
        "|---|" + "--:|" * len(heads),
        *rows,
        "",
        "![Loss on the fine grid over processor time](images/gliodil_loss.png)",
    ]
    if given.write:
        from pages import put  # with this checkout's gliofit, which a process of another must not import

        figure(found)
        put("methods.md", "gliodil speed", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", nargs="*", help="folders of prepared patients, or npz as of paired_fits.py")
    parser.add_argument("--against", help="another checkout of the project")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    serve(chosen.serve) if chosen.serve else main(chosen)
