"""torch's elementwise functions are called by one thread before several call them."""

import subprocess
import sys

import pytest
import torch

from gliofit.base.vector_math import FUNCTIONS, prepare_vector_math


def test_every_function_is_called_in_both_precisions(monkeypatch):
    called = []
    for name in FUNCTIONS:
        plain = getattr(torch, name)
        monkeypatch.setattr(torch, name, lambda x, n=name, f=plain: called.append((n, x.dtype, x.numel())) or f(x))
    prepare_vector_math.__wrapped__()
    assert called == [(name, kind, 1) for kind in (torch.float32, torch.float64) for name in FUNCTIONS]


@pytest.mark.parametrize(
    "use",
    [
        "import gliofit.networks.weights",
        "from gliofit.base.threads import torch_threads\nwith torch_threads(2):\n    pass",
    ],
)
def test_networks_and_methods_have_it_done(use):
    done = f"{use}\nfrom gliofit.base.vector_math import prepare_vector_math as p\nassert p.cache_info().currsize == 1"
    subprocess.run([sys.executable, "-c", done], check=True)
