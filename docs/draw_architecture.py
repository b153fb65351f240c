"""
The wings of the package, drawn and listed from what the code imports: `make architecture`.

Writes images/architecture.png and the table in architecture.md. With `--check` it writes nothing and fails if either
shows other imports than the code has; the picture carries what it shows in its metadata.
"""

from __future__ import annotations

import ast
import itertools
import json
import random
import sys
import textwrap
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import grimp
import matplotlib
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image

DOCS = Path(__file__).resolve().parent
PICTURE, PAGE = DOCS / "images" / "architecture.png", DOCS / "architecture.md"
BEGIN, END = "<!-- wings: written by `make architecture` -->\n", "<!-- end of wings -->"

STRENGTHS = (1, 4, 10)
"""Least numbers of import lines of a thin, a middle and a thick arrow. Most changes cross none and redraw nothing."""

COMMON = 0.6
"""A wing that this share of those above it imports is drawn as ground, without arrows: they would hide the others."""

COLUMNS, WIDTH, HEIGHT = 4, 0.88, 0.6
"""Places in a storey; size of a box in places."""

Edges = dict[tuple[str, str], int]


def storeys() -> list[list[str]]:
    """Wings from the top, those of one storey together, as the contract of import-linter has them."""
    config = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[wing.strip() for wing in layer.split("|")] for layer in layers]


def purpose(wing: str) -> str:
    """First sentence of the docstring of a wing, or of the module on top of all wings."""
    place = DOCS.parent / "src" / "gliofit"
    folder, module = place / wing / "__init__.py", place / f"{wing}.py"
    source = (folder if folder.is_file() else module).read_text(encoding="utf-8")
    return " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())


def imports(wings: list[str]) -> Edges:
    """(importing wing, imported wing) → strength, an index of `STRENGTHS`."""
    graph = grimp.build_graph("gliofit", cache_dir=None)
    lines: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = tuple(name.split(".")[1] if "." in name else "" for name in (module, imported))
            if pair[0] != pair[1] and set(pair) <= set(wings):
                lines[pair] += 1
    return {pair: sum(n >= least for least in STRENGTHS) - 1 for pair, n in sorted(lines.items())}


def shown() -> dict[str, Any]:
    """All that picture and table show."""
    levels = storeys()
    wings = [wing for level in levels for wing in level]
    edges = imports(wings)
    return {
        "storeys": levels,
        "purpose": {wing: purpose(wing) for wing in wings},
        "imports": {wing: {b: s for (a, b), s in edges.items() if a == wing} for wing in wings},
    }


def table(data: dict[str, Any]) -> str:
    """The wings from the ground up, as Markdown, with thick arrows in bold; then the storeys, from the top."""
    lines = ["| wing | what lives there | imports |", "|---|---|---|"]
    order = [wing for level in reversed(data["storeys"]) for wing in level]
    for wing in order:
        used = data["imports"][wing]
        names = ", ".join(f"**{w}**" if used[w] == len(STRENGTHS) - 1 else w for w in order if w in used)
        lines.append(f"| `{wing}` | {data['purpose'][wing]} | {names or '–'} |")
    layers = [" | ".join(level) for level in data["storeys"]]
    return "\n".join([*lines, "", "```text", *layers, "```"]) + "\n"


def ground(data: dict[str, Any]) -> list[str]:
    """Wings at the bottom that nearly all others stand on."""
    order = [wing for level in reversed(data["storeys"]) for wing in level]
    users = {wing: sum(wing in data["imports"][other] for other in order) for wing in order}
    common = (users[wing] >= COMMON * len(order[i + 1 :]) for i, wing in enumerate(order))
    return list(itertools.compress(order, itertools.takewhile(bool, common)))


def places(levels: list[list[str]], edges: Edges) -> dict[str, tuple[float, float]]:
    """A place (x, y) for every wing, found by trying: few arrows behind boxes, few crossings."""
    chance = random.Random(0)

    def of(column: dict[str, int]) -> dict[str, tuple[float, float]]:
        return {w: (float(column[w]), float(len(levels) - i)) for i, level in enumerate(levels) for w in level}

    def cost(column: dict[str, int]) -> float:
        at = of(column)
        total = 0.0
        for a, b in edges:
            (xa, ya), (xb, yb) = at[a], at[b]
            total += 0.15 * abs(xa - xb)
            for x, y in at.values():
                if yb < y < ya:
                    total += 3 * (abs(xb + (xa - xb) * (y - yb) / (ya - yb) - x) < 0.6 * WIDTH)
        for (a, b), (c, d) in itertools.combinations(edges, 2):
            total += len({a, b, c, d}) == 4 and _cross(at[a], at[b], at[c], at[d])
        return total

    best, least = {}, float("inf")
    for _ in range(30):
        column = {w: c for level in levels for w, c in zip(level, _columns(chance, level), strict=True)}
        now, stuck = cost(column), 0
        while stuck < 120:
            level = chance.choice(levels)
            trial = column | dict(zip(level, _columns(chance, level), strict=True))
            value = cost(trial)
            column, now, stuck = (trial, value, 0) if value < now else (column, now, stuck + 1)
        if now < least:
            best, least = column, now
    return of(best)


def _columns(chance: random.Random, level: list[str]) -> list[int]:
    """Different columns for the wings of a storey, at random."""
    return chance.sample(range(COLUMNS), len(level))


def _cross(a: tuple, b: tuple, c: tuple, d: tuple) -> bool:
    """Whether the segments a–b and c–d cross."""

    def left(p: tuple, q: tuple, r: tuple) -> bool:
        return (q[0] - p[0]) * (r[1] - p[1]) > (q[1] - p[1]) * (r[0] - p[0])

    return left(a, b, c) != left(a, b, d) and left(c, d, a) != left(c, d, b)


def doors(at: dict[str, tuple[float, float]], edges: Edges) -> dict[tuple[str, str], tuple[float, float]]:
    """x at which each arrow leaves its box below and enters the other above: side by side, by where they come from."""
    ends: dict[tuple[str, str], list[float]] = {pair: [0.0, 0.0] for pair in edges}
    for side in (0, 1):
        for wing, (x, y) in at.items():
            here = [pair for pair in edges if pair[side] == wing]
            here.sort(key=lambda pair: (at[pair[1 - side]][0] - x) / abs(at[pair[1 - side]][1] - y))
            for i, pair in enumerate(here):
                ends[pair][side] = x + 0.8 * WIDTH * ((i + 1) / (len(here) + 1) - 0.5)
    return {pair: (start, end) for pair, (start, end) in ends.items()}


def draw(data: dict[str, Any], path: Path) -> None:
    """Boxes in storeys and an arrow from each wing to those it imports; the ground bears all and has no arrows."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    below = ground(data)
    levels = [level for level in ([w for w in level if w not in below] for level in data["storeys"]) if level]
    edges = {(a, b): s for a, used in data["imports"].items() for b, s in used.items() if not {a, b} & set(below)}
    at = places(levels, edges)
    colour = {wing: plt.get_cmap("tab20")((2 * i + i // 10) % 20) for i, wing in enumerate(data["purpose"])}
    figure, axes = plt.subplots(figsize=(11, 1.3 * (len(levels) + len(below))))
    for pair, (start, end) in doors(at, edges).items():
        arrow = FancyArrowPatch(
            (start, at[pair[0]][1] - HEIGHT / 2),
            (end, at[pair[1]][1] + HEIGHT / 2),
            arrowstyle="-|>",
            shrinkA=0,
            shrinkB=0,
            mutation_scale=13,
            linewidth=(1.0, 2.4, 4.8)[edges[pair]],
            color=colour[pair[0]],
            zorder=1,
        )
        axes.add_patch(arrow)
    middle, wide = (COLUMNS - 1) / 2, COLUMNS - 1 + WIDTH
    for i, wing in enumerate(below):
        _box(axes, wing, data["purpose"][wing], (middle, i + 1.0 - len(below)), wide, colour[wing])
    for wing, place in at.items():
        _box(axes, wing, data["purpose"][wing], place, WIDTH, colour[wing])
    axes.set_xlim(-0.5, COLUMNS - 0.5)
    axes.set_ylim(0.6 - len(below), len(levels) + 0.4)
    axes.set_axis_off()
    figure.tight_layout(pad=0.3)
    metadata = {"Description": json.dumps(data, ensure_ascii=True), "Software": None}
    figure.savefig(path, dpi=110, metadata=metadata)


def _box(axes: Any, wing: str, words: str, place: tuple[float, float], width: float, colour: Any) -> None:
    """A wing: its name and what lives there."""
    x, y = place
    corner = (x - width / 2, y - HEIGHT / 2)
    style = {"boxstyle": "round,pad=0,rounding_size=0.06", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
    axes.add_patch(FancyBboxPatch(corner, width, HEIGHT, zorder=2, **style))
    axes.text(x, y + 0.19, wing, ha="center", va="center", fontsize=13, fontweight="bold", zorder=3)
    words = textwrap.fill(words.rstrip("."), int(38 * width))
    axes.text(x, y - 0.09, words, ha="center", va="center", fontsize=8.3, linespacing=1.1, zorder=3)


def written(page: str) -> str:
    """The table that a page has now."""
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write picture and table, or with `--check` compare them with the code."""
    data = shown()
    page = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv[1:]:
        with Image.open(PICTURE) as picture:
            fresh = json.loads(picture.info.get("Description", "null")) == data
        if not (fresh and written(page) == table(data)):
            sys.exit("docs/architecture.md or its picture shows other imports than the code has: make architecture")
        return
    draw(data, PICTURE)
    head, _, rest = page.partition(BEGIN)
    PAGE.write_text(head + BEGIN + table(data) + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
