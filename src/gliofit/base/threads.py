"""CPU threads of the libraries that have their own pools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gliofit.base.vector_math import prepare_vector_math


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use `count` CPU threads, and put its former number back."""
    import torch

    prepare_vector_math()
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
