"""CPU threads: of the libraries that have their own pools, and for work that leaves Python's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from gliofit.base.vector_math import prepare_vector_math

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """
    `function` of each item, `threads` at a time: reading and writing compressed files leaves Python's lock.

    Returns
    -------
    list
        In the items' order. The first item's exception is raised, as without threads.
    """
    if threads == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


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
