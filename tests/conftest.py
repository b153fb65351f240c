"""Anatomies and patients that the tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# how many threads the solver may use: two at least, so that tests of threads have them
os.environ.setdefault("NUMBA_NUM_THREADS", str(max(2, len(os.sched_getaffinity(0)))))

import numpy as np
import pytest

from gliofit import Tissue

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _same_state():
    """
    The same threads and the same random numbers of torch's for every test, whatever the test before did.

    Threads as OMP_NUM_THREADS says, two at most otherwise.
    """
    torch = sys.modules.get("torch")
    if torch:
        torch.manual_seed(0)
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or min(2, len(os.sched_getaffinity(0)))))


@pytest.fixture(scope="session")
def small_tissue() -> Tissue:
    """A 24³ head at 4 mm: a ball of white matter in a grey shell, with a ventricle and CSF around; smooth borders."""
    n, h = 24, 4.0
    axis = (np.arange(n) - (n - 1) / 2) * h
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    r = np.sqrt(x**2 + (y / 1.1) ** 2 + z**2)
    step = lambda edge: 1 / (1 + np.exp((r - edge) / 1.5))  # noqa: E731
    ventricle = 1 / (1 + np.exp((np.sqrt(x**2 + (y / 2) ** 2 + z**2) - 7) / 1.5))
    wm = step(30) * (1 - ventricle)
    gm = (step(38) - step(30)) * (1 - ventricle)
    csf = (step(42) - step(38)) + step(42) * ventricle
    affine = np.diag([h, h, h, 1.0])
    affine[:3, 3] = axis[0]
    return Tissue(wm, gm, np.clip(csf, 0, 1), affine)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real patients and reference cases, outside the project."""
    folder = Path(os.environ.get("GLIOFIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "patients").is_dir():
        pytest.skip("needs the shared patients (set GLIOFIT_SHARED); the folder is not here")
    return folder


@pytest.fixture(scope="session")
def mni152():
    """MNI152 at 2 mm, an `Anatomy` that needs no download."""
    from gliofit.anatomy.atlas import load_mni152

    return load_mni152(2)
