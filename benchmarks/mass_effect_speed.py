"""
What a run with mass effect takes, and what the memory's pace would allow for its elastic solves.

    python benchmarks/mass_effect_speed.py [--fine] [--write]

Three tumours in MNI152 at 2 mm, in CPU seconds of one thread and in seconds of two, beside a Fisher–Kolmogorov run of
the same θ on as many; where the time goes; and the kernels of the finest grid beside a plain copy. With --fine also one
run at 1 mm on 128³ voxels. With --write the tables go into docs/mass_effect.md.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable

import numpy as np
from pages import put

from gliofit import growth_model
from gliofit.anatomy.atlas import load_mni152
from gliofit.growth.mass_effect import conjugate_gradients, elasticity, fields, moves, simulate
from gliofit.growth.mass_effect.medium import SCREENING_MM, C, Medium
from gliofit.growth.mass_effect.multigrid import DOWN, STAGES, UP, Multigrid
from gliofit.growth.mass_effect.near import Near
from gliofit.growth.mass_effect.passes import PULL, RELAX, TURN
from gliofit.growth.mass_effect.press import Press
from gliofit.growth.mass_effect.tumour import Tumour

TUMOURS = ((5.0, 3.5), (8.0, 3.0), (8.0, 3.5))
"""(μ_D, μ_ρ); 20 mm left of the middle, γ = 12 kPa."""

GAMMA = 12e3
COPIED = 256 << 20

PARTS = {
    "preconditioner": Multigrid.of,
    "conjugate gradients": conjugate_gradients.solve,
    "stiffness": Medium.operator,
    "force and tolerance": Press.solve,
    "transport": moves.carry,
    "growth": Tumour.grow,
}
"""Parts of a run and their functions."""

WITHIN = {"force and tolerance": ("preconditioner", "conjugate gradients", "stiffness")}
"""Part → others that it calls, whose time is not its own."""


def least(call: Callable, times: int, clock: Callable[[], float] = time.process_time) -> float:
    """Fewest seconds of a call, of the CPU or another clock."""
    taken = []
    for _ in range(times):
        begun = clock()
        call()
        taken.append(clock() - begun)
    return min(taken)


def parts_of(call: Callable[[], object]) -> dict[str, float]:
    """CPU seconds of the parts of a run, each without the others that it calls."""
    profile = cProfile.Profile(time.process_time)
    profile.runcall(call)
    seen: dict = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    codes = {part: function.__code__ for part, function in PARTS.items()}
    found = {part: seen[code.co_filename, code.co_firstlineno, code.co_name][3] for part, code in codes.items()}
    return {part: spent - sum(found[other] for other in WITHIN.get(part, ())) for part, spent in found.items()}


def origin_in(tissue) -> np.ndarray:
    """White matter left of the middle, mm."""
    middle = tissue.centre_of_mass(tissue.brain.astype(float))
    white = tissue.to_world(np.argwhere(tissue.wm > 0.9))
    return white[np.argmin(np.linalg.norm(white - middle - np.array([-20, 0, 10]), axis=1))]


def runs(tissue, tumours, times: int) -> list[str]:
    """Rows of the table of runs."""
    medium, at, rows = Medium.of(tissue, SCREENING_MM), tuple(origin_in(tissue)), []
    plain = growth_model()
    for mu_D, mu_rho in tumours:
        report = simulate.Report()
        values, ends = simulate.Values(at, mu_D, mu_rho, GAMMA), []

        def grown(threads: int):
            return plain.simulate(tissue, [*at, mu_D, mu_rho], threads=threads)  # noqa: B023

        def pushed(threads: int):
            ends[:] = simulate.run(tissue, medium, values, threads=threads)  # noqa: B023

        alone, whole = least(lambda: grown(1), 3 * times), least(lambda: pushed(1), times)
        both = least(lambda: pushed(2), times, time.perf_counter)
        more = both / least(lambda: grown(2), 3 * times, time.perf_counter)
        spent = parts_of(lambda: simulate.run(tissue, medium, values, report=report))  # noqa: B023
        total, tumour = sum(spent.values()), ends[-1]
        shares = [f"{100 * spent[part] / total:.0f}" for part in PARTS]
        size = (tumour.state[C] > 0.2).sum() * np.prod(tissue.spacing) / 1000
        own = [f"{mu_D:g}, {mu_rho:g}", f"{size:.0f}", f"{np.abs(tumour.u).max():.1f}", str(len(report.iterations))]
        own += [f"{sum(report.iterations)}", f"{whole:.2f}", f"{whole / alone:.0f}"]
        own += [f"{both:.2f}", f"{more:.0f}", " / ".join(shares)]
        rows.append("| " + " | ".join([f"{tissue.spacing[0]:g}", *own]) + " |")
        print(rows[-1], flush=True)
    return rows


def roofline(tissue) -> list[str]:
    """Rows of the table of kernels: what each moves, if every number came from memory once, and at what pace."""
    medium = Medium.of(tissue, SCREENING_MM)
    operator = medium.operator(medium.rest, 1)
    multigrid = Multigrid.of(operator)
    coarse = multigrid.levels[1]
    from_, to = np.zeros(COPIED, np.uint8), np.ones(COPIED, np.uint8)
    pace = 2 * COPIED / least(lambda: np.copyto(to, from_), 5) / 1e9
    cells = int((medium.spans[:, 1] - medium.spans[:, 0]).sum())
    f, u, v, r = (operator.field() for _ in range(4))
    f[:] = 1e-3 * (operator.inverse > 0)
    sums = np.zeros(1)
    step = elasticity.plan((RELAX, 1.1, 0.1, 0.2))
    turn = elasticity.plan((TURN, 0.5, 0, 0), (PULL, 0, 0, 0))
    kernels: tuple[tuple[str, int, Callable], ...] = (
        ("a smoothing step by itself", 84, lambda: operator.passes(*step, f, u, v, r)),
        (f"{STAGES} smoothing steps, the residual", 96, lambda: operator.passes(*DOWN, f, u, v, r)),
        (f"{STAGES} smoothing steps", 84, lambda: operator.passes(*UP, f, u, v, r)),
        ("new direction p, A p", 84, lambda: operator.passes(*turn, f, u, u, r)),
        ("step of conjugate gradients", 72, lambda: operator.visit(fields.step, np.float32(0), u, v, f, r, sums)),
    )
    rows, bound = [], 0.0
    for number, (name, moved, call) in enumerate(kernels):
        took = least(call, 15)
        speed = moved * cells / took / 1e9
        cells_of = f"{1e3 * took:.2f} | {1e3 * moved * cells / pace / 1e9:.2f}"
        rows.append(f"| {name} | {moved} | {cells_of} | {speed:.1f} | {100 * speed / pace:.0f} % |")
        bound += moved * cells / pace / 1e9 if number in (1, 2) else 0
    grown = simulate.run(tissue, medium, simulate.Values(tuple(origin_in(tissue)), *TUMOURS[0], GAMMA))[0].state[C]
    near = Near.of(medium, grown)
    around = least(lambda: multigrid(f, near), 8)
    rows.append(f"| V-cycle around the first tumour | – | {1e3 * around:.1f} | – | – | – |")
    cycle, made = least(lambda: multigrid(f), 8), least(lambda: Multigrid.of(operator, multigrid), 5)
    below, rest = Multigrid(multigrid.levels[1:]), coarse.field()
    lower = least(lambda: below(rest), 8)
    rows.append(f"| V-cycle | – | {1e3 * cycle:.1f} | {1e3 * bound:.1f} | – | {100 * bound / cycle:.0f} % |")
    text = f"Coarser grids take {1e3 * lower:.1f} ms of a V-cycle; making a preconditioner takes {1e3 * made:.1f} ms."
    return [*rows, "", f"{cells} cells visited, copy {pace:.1f} GB/s. {text}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--fine", action="store_true", help="also a run at 1 mm")
    parser.add_argument("--times", type=int, default=2, help="runs of which the fastest counts")
    parser.add_argument("--write", action="store_true", help="the tables, to docs/mass_effect.md")
    options = parser.parse_args()
    atlas = load_mni152(2).tissue
    head = "spacing, mm | μ_D, μ_ρ | ml | largest, mm | solves | iterations | "
    head += "CPU s | times FK | 2 threads, s | times FK | of it, %"
    lines = ["", f"| {head} |", "|--:|---|" + "--:|" * 8 + "---|"]
    lines += runs(atlas.working_grid(2.0), TUMOURS, options.times)
    if options.fine:
        fine = atlas.working_grid(1.0)
        middle = origin_in(fine)
        corner = np.round(fine.to_voxel(middle)).astype(int) - 64
        lines += runs(fine.crop(corner, (128, 128, 128)), TUMOURS[:1], 1)
    lines += ["", "Of it: " + ", ".join(PARTS) + ".", ""]
    lines += ["| kernel, finest grid | bytes a cell | ms | at the copy's pace | GB/s | of the copy |"]
    lines += ["|---|--:|--:|--:|--:|--:|", *roofline(atlas.working_grid(2.0)), ""]
    print("\n".join(lines))
    if options.write:
        put("mass_effect.md", "speed of mass effect", lines)


if __name__ == "__main__":
    main()
