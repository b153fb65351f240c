"""What is kept of the compiled kernels: it follows all sources, and is used as long as they stay."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import gliofit

TISSUE = """
import numpy as np
from gliofit import Theta, Tissue, simulate
from gliofit.growth.cpu.padded import diffusivity_field
from gliofit.growth.fisher_kolmogorov import medium

shape = (16, 16, 16)
tissue = Tissue(np.ones(shape), np.zeros(shape), np.zeros(shape), np.diag([2.0, 2.0, 2.0, 1.0]))
result = RESULT
stats = diffusivity_field.stats
print(float(result), len(stats.cache_hits), len(stats.cache_misses))
"""

DENSITY = TISSUE.replace("RESULT", "simulate(tissue, Theta((14.0, 15.0, 16.0), 4.0, 1.5), threads=1).sum(dtype=float)")
"""All kernels of a run."""

CALLED = DENSITY.replace("len(stats.cache_misses)", "len(sweep._sweep.overloads)").replace(
    "import numpy as np", "import numpy as np\nfrom gliofit.growth.cpu import sweep", 1
)
"""The same, and in how many kinds a kernel is there that only kernels call."""

MEDIUM = TISSUE.replace("RESULT", "medium(tissue).radius")
"""A single kernel, which is soon compiled."""

FACE = "out.append(self.mul(self.w[face // 2], open_))"
HALF = "out.append(self.mul(self.splat(ir.Constant(self.scalar, 0.5)), self.mul(self.w[face // 2], open_)))"


def result_of(run: str, sources: Path, cache: Path | None = None) -> tuple[float, int, int]:
    """Of a new process: what it computes, and how often a kernel was found and not found in the cache."""
    environment = os.environ | {"PYTHONPATH": str(sources)}
    environment.pop("NUMBA_CACHE_DIR", None)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    out = subprocess.run([sys.executable, "-c", run], env=environment, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
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


def test_a_change_of_the_innermost_loops_is_seen(sources, tmp_path):
    cache = tmp_path / "cache"
    first = result_of(DENSITY, sources, cache)
    assert first[1:] == (0, 1)
    assert result_of(DENSITY, sources, cache) == (first[0], 1, 0)
    # or a copy of it within its caller's code would run, which may round otherwise
    assert result_of(CALLED, sources, cache) == (first[0], 1, 1)
    kept = {path.name for path in cache.rglob("*.kernel")}

    halve_the_faces(sources)
    changed = result_of(DENSITY, sources, cache)
    assert changed[1:] == (0, 1)
    assert abs(changed[0] / first[0] - 1) > 0.01
    now = {path.name for path in cache.rglob("*.kernel")}
    assert len(now) == len(kept)  # what the older sources left is gone
    assert not now & kept


def test_kernels_are_kept_beside_their_modules(sources):
    first = result_of(MEDIUM, sources)
    assert first[1:] == (0, 1)
    assert result_of(MEDIUM, sources) == (first[0], 1, 0)
    assert list(sources.rglob("__pycache__/*.kernel"))


def test_a_package_that_cannot_be_written_is_kept_elsewhere(sources, tmp_path, monkeypatch):
    for folder in [sources / "gliofit", *(p for p in (sources / "gliofit").rglob("*") if p.is_dir())]:
        (folder / "__pycache__").write_text("a file in the place of the folder: nothing can be written here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    first = result_of(MEDIUM, sources)
    assert first[1:] == (0, 1)
    assert result_of(MEDIUM, sources) == (first[0], 1, 0)
    assert list((tmp_path / "home").rglob("*.kernel"))


def test_processes_that_start_at_once_agree(sources, tmp_path):
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(3) as pool:
        results = {result for result, _, _ in pool.map(lambda _: result_of(MEDIUM, sources, cache), range(3))}
    assert len(results) == 1
    assert result_of(MEDIUM, sources, cache) == (*results, 1, 0)
    assert not list(cache.rglob("*.kernel.*"))
