"""
Time of a run on idle cores and beside busy programs, and of two checkouts by turns.

    python benchmarks/beside_others.py                        idle and beside one busy process, 1 thread and all
    python benchmarks/beside_others.py --against ../other     the same runs in another checkout, by turns
    … --search                                                runs as a search for imaging makes them here
    … --write                                                 and the table of it in docs/benchmarks.md

Every checkout runs in a process of its own with its own sources, and one run at a time: a turn is one run in each, so
that what else the machine does meets all alike. Medians are printed, their ratio, and the quartiles of the ratio
within a turn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
SIDES = ("64³", "128³", "256³")

HEAD_2MM = "head, 2 mm"
"""The whole brain, with the tumour of 64³."""

NAME, NAME_SEARCH = "beside others", "runs of a search"
"""Of the tables in docs/benchmarks.md."""

HEAD = "| case | run | busy processes | threads | ms | CPU ms | ms of the other | ratio | ratio by turn, quartiles |"


def serve(checkout: str) -> None:
    """Do the runs that standard input asks for, with the sources of a checkout; answer each with its seconds."""
    sys.path[:0] = [f"{checkout}/src", f"{checkout}/benchmarks"]
    from cases import CASES, brain, case

    from gliofit import Theta, simulate

    for line in sys.stdin:
        side, threads, jacobian, refine = json.loads(line)
        sized = "64³" if side == HEAD_2MM else side
        tissue, origin, *physical = case(next(name for name in CASES if name.startswith(sized)))
        tissue = brain(2.0) if side == HEAD_2MM else tissue
        theta = Theta.from_physical(origin, *physical)
        begun, cpu = time.perf_counter(), time.process_time()
        simulate(tissue, theta, threads=threads, jacobian=jacobian, refine=refine)
        print(json.dumps([time.perf_counter() - begun, time.process_time() - cpu]), flush=True)


class Worker:
    """A checkout's process; `refine` divides the time steps of its runs."""

    def __init__(self, checkout: Path, refine: float = 1.0):
        self.refine = refine
        command = [sys.executable, str(HERE), "--serve", str(checkout)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, side: str, threads: int, jacobian: bool) -> list[float]:
        """Wall-clock and CPU seconds of a run."""
        self.process.stdin.write(json.dumps([side, threads, jacobian, self.refine]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def busy(count: int):
    """Processes that do nothing but use a core each."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def quartiles(values) -> str:
    return " … ".join(f"{v:.3f}" for v in np.quantile(values, (0.25, 0.5, 0.75)))


def main(options) -> None:
    checkouts = [HERE.parents[1], *([Path(options.against).resolve()] if options.against else [])]
    workers = [Worker(checkout) for checkout in checkouts]
    if options.search:
        from gliofit.inversion.problem import COARSELY

        workers[0].refine = COARSELY
    alone: dict[tuple, float] = {}
    rows = [HEAD, "|---|---|--:|--:|--:|--:|--:|--:|---|"]
    print(f"{os.cpu_count()} cores; load before: {os.getloadavg()[0]:.1f}; {options.turns} turns each; ms")
    for side in options.sides:
        for jacobian in (False, True):
            for others in options.busy:
                for threads in options.threads:
                    with busy(others):
                        for worker in workers:
                            worker(side, threads, jacobian)
                        taken = np.array([[w(side, threads, jacobian) for w in workers] for _ in range(options.turns)])
                    wall, cpu = np.median(taken, 0).T
                    alone.setdefault((side, jacobian), wall[0])
                    text = f"{side} {'Jacobian' if jacobian else 'density '} {others} busy, {threads} threads:"
                    text += f" {wall[0] * 1e3:8.2f} = {wall[0] / alone[side, jacobian]:.2f} of the first line's"
                    text += f", CPU {cpu[0] * 1e3:8.2f}"
                    row = f"| {side} | {'Jacobian' if jacobian else 'density'} | {others} | {threads} "
                    row += f"| {wall[0] * 1e3:.1f} | {cpu[0] * 1e3:.1f} "
                    if len(workers) > 1:
                        by_turn = quartiles(taken[:, 0, 0] / taken[:, 1, 0])
                        text += f"; other {wall[1] * 1e3:8.2f}, ratio {wall[0] / wall[1]:.3f}, by turn {by_turn}"
                        row += f"| {wall[1] * 1e3:.1f} | {wall[0] / wall[1]:.2f} | {by_turn} |"
                    rows.append(row if len(workers) > 1 else row + "| – | – | – |")
                    print(text, flush=True)
    print(f"load after: {os.getloadavg()[0]:.1f}")
    if options.write:
        from pages import put  # here, as another checkout's process has sources of its own

        put("benchmarks.md", NAME_SEARCH if options.search else NAME, rows)
    for worker in workers:
        worker.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", help="another checkout of the project")
    parser.add_argument("--turns", type=int, default=21)
    parser.add_argument("--sides", nargs="+", default=SIDES, choices=(*SIDES, HEAD_2MM))
    parser.add_argument("--threads", nargs="+", type=int, default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument("--busy", nargs="+", type=int, default=[0, 1], help="busy processes beside the runs")
    parser.add_argument("--search", action="store_true", help="time steps here as in a search for imaging")
    parser.add_argument("--write", action="store_true", help="the table into docs/benchmarks.md")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    serve(chosen.serve) if chosen.serve else main(chosen)
