"""Anatomies and patients that the tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# how many threads the solver may use: two at least, so that tests of threads have them
os.environ.setdefault("NUMBA_NUM_THREADS", str(max(2, len(os.sched_getaffinity(0)))))

# processes of tests share the cores: torch's threads wait by spinning, and two pairs of them on two cores took up to
# thirty times as long as one thread each
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    share = len(os.sched_getaffinity(0)) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

import pytest
from phantom import ball

from gliofit import Tissue

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _same_state():
    """
    The same threads and the same random numbers of torch's for every test, whatever the test before did.

    Threads as OMP_NUM_THREADS says (above), two at most otherwise.
    """
    torch = sys.modules.get("torch")
    if torch:
        torch.manual_seed(0)
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or min(2, len(os.sched_getaffinity(0)))))


@pytest.fixture(scope="session")
def small_tissue() -> Tissue:
    """A 24³ head at 4 mm: a ball of white matter in a grey shell, with a ventricle and CSF around; smooth borders."""
    return ball()


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
