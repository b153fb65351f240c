"""
How the CPU kernels are compiled, and when they are compiled anew.

numba's own cache knows a function by the file it stands in. Our innermost loops are written by another module, and
constants come from a third: a change there would go unnoticed, and old machine code would run under new sources. So
what is kept here is named after everything that it depends on: the text of all modules of `gliofit.growth`, the
versions of numba and llvmlite, the processor, and the types of the arguments.

One file per function and types holds the machine code, and no index stands beside it, as numba has one: the name says
what is inside, and a file appears whole or not at all. Processes that start at once, or a process that still runs an
older version, therefore cannot mistake one for another. Whoever saves removes what older sources left behind.

A kernel's machine code holds copies of the kernels that it calls. They are used only where those are not there by
themselves, and may round otherwise, as they were optimised once more in their new place. So a kernel that is loaded has
those that it calls loaded first, as they are where it is compiled: a run is the same to the bit, whoever compiled.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.compiler import Compiler
from numba.core.serialize import dumps

SOURCES = "gliofit.growth"
"""Package whose text the machine code depends on."""

ROUNDING = {"contract", "reassoc", "nsz", "arcp"}
"""Liberties with the order of operations; infinities and NaN keep their meaning."""


@cache
def digest() -> str:
    """Of all sources, and of the compilers' versions."""
    found, folders = [], [files(SOURCES)]
    while folders:
        for entry in folders.pop().iterdir():
            if entry.is_dir():
                folders.append(entry)
            elif entry.name.endswith(".py"):
                found.append((str(entry), entry.read_bytes()))
    total = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    for _, text in sorted(found):
        total.update(len(text).to_bytes(8, "little") + text)
    return total.hexdigest()[:16]


class _Files:
    """What is kept of one function: a file for each of `key`."""

    def __init__(self, folder: str, function: str):
        self.folder, self.python = Path(folder), f"py{sys.version_info[0]}{sys.version_info[1]}"
        self.kept = f"{function}-*.{self.python}.kernel"
        self.name = f"{function}-{digest()}-{{}}.{self.python}.kernel"

    def path(self, key) -> Path:
        return self.folder / self.name.format(hashlib.sha256(repr(key).encode()).hexdigest()[:16])

    def load(self, key):
        try:
            return pickle.loads(self.path(key).read_bytes())
        except FileNotFoundError:
            return None

    def save(self, key, data) -> None:
        path = self.path(key)
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            part.write_bytes(dumps(data))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        for other in self.folder.glob(self.kept):
            if f"-{digest()}-" not in other.name:
                other.unlink(missing_ok=True)

    def flush(self) -> None:
        for path in self.folder.glob(self.kept):
            path.unlink(missing_ok=True)


_kernels: dict[tuple[str, str], Any] = {}
"""Module and name → the kernels of this process that are kept."""


class _WithCalled(CompileResultCacheImpl):
    """What is kept of a kernel: whom it calls, and its machine code."""

    def reduce(self, cres):
        linked = cres.library._linking_libraries
        called = [
            (name, types)
            for name, known in _kernels.items()
            for types, other in known.overloads.items()
            if other.library in linked
        ]
        return called, super().reduce(cres)

    def rebuild(self, target_context, payload):
        called, code = payload
        for (module, name), types in called:
            import_module(module)
            _kernels[module, name].compile(types)
        return super().rebuild(target_context, code)


class KernelCache(FunctionCache):
    """numba's cache, in the folder that numba chooses (NUMBA_CACHE_DIR, beside the module, or the user's own)."""

    _impl_class = _WithCalled

    def __init__(self, function: Callable):
        super().__init__(function)
        self._cache_file: Any = _Files(self.cache_path, f"{function.__module__}.{function.__qualname__}")


class _Apart(Compiler):
    """numba's compiler, told that no two arguments of a function share memory (`restrict` in C)."""

    def __init__(self, typingctx, targetctx, library, args, return_type, flags, locals):
        flags.noalias = True
        super().__init__(typingctx, targetctx, library, args, return_type, flags, locals)


def kernel(function: Callable) -> Any:
    """Compile a function, without Python and its lock, when it is first called with some types; keep the code."""
    return _kept(function)


def apart(function: Callable) -> Any:
    """
    `kernel` for a function of which no two arrays share memory.

    LLVM then makes vector instructions of its loops, with however many arrays, without having to compare addresses.
    """
    return _kept(function, pipeline_class=_Apart)


def inlined(function: Callable) -> Any:
    """Compile a function into each kernel that calls it: a call in a loop would keep it from becoming vectors."""
    return numba.njit(fastmath=ROUNDING, forceinline=True)(function)


def _kept(function: Callable, **options: Any) -> Any:
    compiled: Any = numba.njit(fastmath=ROUNDING, nogil=True, **options)(function)
    with suppress(RuntimeError):  # numba finds no folder that can be written: each process compiles for itself
        compiled._cache = KernelCache(function)
    _kernels[function.__module__, function.__qualname__] = compiled
    return compiled
