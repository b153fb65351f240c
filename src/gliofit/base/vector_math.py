"""torch's elementwise functions on the CPU, made ready before several threads call them at once."""

from __future__ import annotations

from functools import cache

FUNCTIONS = (
    *("sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "log2", "log10"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "erf", "erfc", "erfinv", "lgamma"),
)
"""What torch hands to MKL's vector mathematics, where it is built with MKL."""


@cache
def prepare_vector_math() -> None:
    """
    Call each of torch's vector functions once, on one number: by one thread.

    MKL (2024.2, in torch's wheels) chooses a function's kernel at its first call. Where two threads make that call at
    once, one of them may get a kernel of low accuracy for its share of the array, that once: relative errors to 3e-4
    in `torch.sqrt`, in one process of fifty on an Intel Xeon (pytorch/pytorch#188792). The first result of a process
    then differs from all later ones. Costs less than a millisecond; does nothing after its first call.
    """
    import torch

    for kind in (torch.float32, torch.float64):
        number = torch.full((1,), 0.5, dtype=kind)
        for name in FUNCTIONS:
            getattr(torch, name)(number)
