"""What is kept of the compiled kernels: it follows all sources, and is used as long as they stay."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import gliofit

RUN = """
import numpy as np
from gliofit import Theta, Tissue, simulate
from gliofit.growth.cpu import padded

shape = (16, 16, 16)
tissue = Tissue(np.ones(shape), np.zeros(shape), np.zeros(shape), np.diag([2.0, 2.0, 2.0, 1.0]))
c = simulate(tissue, Theta((14.0, 15.0, 16.0), 4.0, 1.5), threads=1)
stats = padded.unpad.stats
print(float(c.sum(dtype=float)), len(stats.cache_hits), len(stats.cache_misses))
"""

FACE = "out.append(self.mul(self.w[face // 2], open_))"
HALF = "out.append(self.mul(self.splat(ir.Constant(self.scalar, 0.5)), self.mul(self.w[face // 2], open_)))"


def grown(sources: Path, cache: Path | None = None) -> tuple[float, int, int]:
    """Sum of a density, and how often a kernel was found and not found in the cache, of a new process."""
    environment = os.environ | {"PYTHONPATH": str(sources)}
    environment.pop("NUMBA_CACHE_DIR", None)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    out = subprocess.run([sys.executable, "-c", RUN], check=True, env=environment, capture_output=True, text=True)
    total, hits, misses = out.stdout.split()
    return float(total), int(hits), int(misses)


@pytest.fixture
def sources(tmp_path):
    """A copy of the package."""
    package = Path(gliofit.__file__).parent
    shutil.copytree(package, tmp_path / "src" / "gliofit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "src"


def halve_the_faces(sources: Path) -> None:
    """Halve the coefficient of every face in the module that writes the innermost loops."""
    (emitter,) = (path for path in sources.rglob("*.py") if FACE in path.read_text())
    emitter.write_text(emitter.read_text().replace(FACE, HALF))


@pytest.mark.parametrize("folder", ["NUMBA_CACHE_DIR", "beside the modules"])
def test_a_change_of_the_innermost_loops_is_seen(sources, tmp_path, folder):
    cache = tmp_path / "cache" if folder == "NUMBA_CACHE_DIR" else None
    first = grown(sources, cache)
    assert first[1:] == (0, 1)
    again = grown(sources, cache)
    assert again == (first[0], 1, 0)
    kept = sorted(tmp_path.rglob("*.kernel"))

    halve_the_faces(sources)
    changed = grown(sources, cache)
    assert changed[1:] == (0, 1)
    assert abs(changed[0] / first[0] - 1) > 0.01
    now = sorted(tmp_path.rglob("*.kernel"))
    assert len(now) == len(kept)  # what the older sources left is gone
    assert not set(now) & set(kept)


def test_processes_that_start_at_once_agree(sources, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        totals = {total for total, _, _ in pool.map(lambda _: grown(sources, tmp_path / "cache"), range(3))}
    assert len(totals) == 1
    assert grown(sources, tmp_path / "cache") == (*totals, 1, 0)
    assert not list((tmp_path / "cache").rglob("*.kernel.*"))


def test_a_package_that_cannot_be_written_is_compiled_elsewhere(sources, tmp_path, monkeypatch):
    for folder in [sources / "gliofit", *(p for p in (sources / "gliofit").rglob("*") if p.is_dir())]:
        (folder / "__pycache__").write_text("a file in the place of the folder: nothing can be written here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    first, again = grown(sources), grown(sources)
    assert first[1:] == (0, 1)
    assert again == (first[0], 1, 0)
    assert list((tmp_path / "home").rglob("*.kernel"))
