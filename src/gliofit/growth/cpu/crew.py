"""
Threads that work on one run together, and how they wait for each other.

Python threads run compiled code that does not hold Python's lock. They wait for each other inside it: a thread looks
at a number that another one raises, for some ten µs, and then sleeps until it is woken (a POSIX condition variable).
On idle cores most waits end before anyone sleeps. Beside other programs a thread that waits leaves its core to the
one that it waits for; OpenMP's barriers keep it, for milliseconds each, unless the user's environment says otherwise
before the library is loaded. Nothing here depends on the environment, on OpenMP, or on what torch loads.

A run begins with the calling thread alone. Helpers join when they come, and take part from the next step on; one that
never comes, as the machine or the pool is busy, or the process a fork whose parent had the threads, is not missed.
So runs may be started from several Python threads at once.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from gliofit.base.errors import InputError
from gliofit.growth.cpu.compiled import kernel

LOOKS = 200
"""
How often a thread looks before it sleeps; a look takes 10 to 60 ns.

More looks spare idle cores some sleep (700: 2 to 5 % of the time of two threads), and cost more where both threads have
to share a core beside other programs (5 to 10 %).
"""

HEADER = 3
ENLISTED, ASLEEP, STEP = range(HEADER)
"""Marks of a crew: its helpers so far, how many threads sleep, the step that is going on. The members' own follow."""

_x86: tuple[str, list] = ("llvm.x86.sse2.pause", [])
_arm: tuple[str, list] = ("llvm.aarch64.isb", [ir.Constant(ir.IntType(32), 15)])
PAUSE = {"x86_64": _x86, "AMD64": _x86, "aarch64": _arm, "arm64": _arm}
"""LLVM's name of what tells a processor that a loop waits, and its arguments."""

CLOSED = 1 << 60
"""STEP once the run is over."""

LINE = 8
"""Numbers in a cache line: marks that different threads raise do not share one."""

OPAQUE = 128
"""Bytes, more than enough for a mutex or a condition variable."""


class Crew(NamedTuple):
    """
    What the threads of a run know of each other.

    Parameters
    ----------
    marks : int64 ndarray [HEADER + 2·threads, LINE]
        Numbers that are only raised, in the first column.
    parts : int64 ndarray [steps]
        Members that take part in each step, the first ones.
    mutex, condition : uint8 ndarray [OPAQUE]
        POSIX's.
    """

    marks: np.ndarray
    parts: np.ndarray
    mutex: np.ndarray
    condition: np.ndarray


_with_one = types.intc(types.uintp)
_with_two = types.intc(types.uintp, types.uintp)
_init_mutex = types.ExternalFunction("pthread_mutex_init", _with_two)
_init_condition = types.ExternalFunction("pthread_cond_init", _with_two)
_lock = types.ExternalFunction("pthread_mutex_lock", _with_one)
_unlock = types.ExternalFunction("pthread_mutex_unlock", _with_one)
_sleep = types.ExternalFunction("pthread_cond_wait", _with_two)
_wake_all = types.ExternalFunction("pthread_cond_broadcast", _with_one)


def _mark(context, builder, signature, arguments):
    """Pointer to a mark."""
    marks = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(marks.data, [builder.mul(arguments[1], ir.Constant(ir.IntType(64), LINE))])


@intrinsic
def read(typing_context, marks, index):
    """A mark, and with it all that its raiser wrote before."""

    def write(context, builder, signature, arguments):
        return builder.load_atomic(_mark(context, builder, signature, arguments), "seq_cst", 8)

    return types.int64(marks, types.int64), write


@intrinsic
def _write(typing_context, marks, index, value):
    def write(context, builder, signature, arguments):
        builder.store_atomic(arguments[2], _mark(context, builder, signature, arguments), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(marks, types.int64, types.int64), write


@intrinsic
def _add(typing_context, marks, index, value):
    """Add to a mark that several threads change; what it was before."""

    def write(context, builder, signature, arguments):
        return builder.atomic_rmw("add", _mark(context, builder, signature, arguments), arguments[2], "seq_cst")

    return types.int64(marks, types.int64, types.int64), write


@intrinsic
def _pause(typing_context):
    """Tell the processor that this is a loop that waits."""

    def write(context, builder, signature, arguments):
        name, operands = PAUSE.get(platform.machine(), (None, []))
        if name:
            kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), operands)
        return context.get_dummy_value()

    return types.void(), write


@kernel
def _found(crew):
    _init_mutex(crew.mutex.ctypes.data, 0)
    _init_condition(crew.condition.ctypes.data, 0)


@kernel
def raise_mark(crew, index, value):
    """Raise a mark, and wake who sleeps."""
    _write(crew.marks, index, value)
    if read(crew.marks, ASLEEP) > 0:  # who is about to sleep has said so before it looked for the last time
        _lock(crew.mutex.ctypes.data)
        _wake_all(crew.condition.ctypes.data)
        _unlock(crew.mutex.ctypes.data)


@kernel
def wait(crew, index, value):
    """Until a mark is at least `value`."""
    for _ in range(LOOKS):
        if read(crew.marks, index) >= value:
            return
        _pause()
    _lock(crew.mutex.ctypes.data)
    _add(crew.marks, ASLEEP, 1)
    while read(crew.marks, index) < value:
        _sleep(crew.condition.ctypes.data, crew.mutex.ctypes.data)
    _add(crew.marks, ASLEEP, -1)
    _unlock(crew.mutex.ctypes.data)


@kernel
def enlist(crew, caller):
    """Join; the member's number: 0 for the caller of the run, from 1 on for helpers."""
    return 0 if caller else _add(crew.marks, ENLISTED, 1) + 1


@kernel
def members(crew):
    """How many a step that is about to begin can count on."""
    return read(crew.marks, ENLISTED) + 1


@kernel
def call(crew, step, parts):
    """Begin a step, with the members 0 … parts − 1."""
    crew.parts[step] = parts
    raise_mark(crew, STEP, step + 1)


@kernel
def await_call(crew, member, step):
    """
    Wait for a step, `step` or a later one, that a member takes part in; which, or −1 when the run is over.

    The caller waits for whoever takes part, so that a step's data stand still as long as they are read.
    """
    while True:
        wait(crew, STEP, step + 1)
        step = read(crew.marks, STEP) - 1
        if step >= CLOSED - 1:
            return -1
        if member < crew.parts[step]:
            return step
        step += 1


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Helpers of a process; a fork has none of its parent's and needs its own."""
    return ThreadPoolExecutor(max(cores() - 1, 1), thread_name_prefix="gliofit")


def cores() -> int:
    """Threads that may run at once: the cores this process may use, or NUMBA_NUM_THREADS."""
    return int(vars(numba.config)["NUMBA_NUM_THREADS"])  # numba sets it when it is imported


def threads_of(given: int | None) -> int:
    """Threads of a run that was asked for `given` (None: all cores): no more than there are cores."""
    if given is None:
        return cores()
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 1:
        raise InputError(f"threads = {given!r} must be a whole number, 1 or more")
    return min(int(given), cores())


def _ask(helpers: int, function: Callable, *arguments: Any) -> list[Future]:
    """Let helpers call a function when they have time."""
    asked: list[Future] = []
    with suppress(RuntimeError):  # the interpreter ends, or no thread can be started: we do without
        asked.extend(_pool(os.getpid()).submit(function, *arguments) for _ in range(helpers))
    return asked


def _new(threads: int, steps: int) -> Crew:
    crew = Crew(
        np.zeros((HEADER + 2 * threads, LINE), np.int64),
        np.zeros(steps, np.int64),
        np.zeros(OPAQUE, np.uint8),
        np.zeros(OPAQUE, np.uint8),
    )
    _found(crew)
    return crew


def together(threads: int, steps: int, function: Callable, *arguments: Any) -> None:
    """Call a compiled function(crew, caller, *arguments) in up to `threads` threads, of which one is the caller."""
    crew = _new(threads, steps)
    asked = _ask(threads - 1, function, crew, False, *arguments)
    try:
        function(crew, True, *arguments)
    finally:
        raise_mark(crew, STEP, CLOSED)
        for future in asked:
            future.cancel()


def parts_of(threads: int) -> int:
    """Parts that `share` cuts a task into: some more than threads, as they are not equally fast."""
    return 1 if threads == 1 else 4 * threads


def share(threads: int, function: Callable, *arguments: Any) -> None:
    """Call function(part, parts, *arguments) for all parts of a task, in up to `threads` threads."""
    if threads == 1:
        function(0, 1, *arguments)
        return
    parts = parts_of(threads)
    left = iter(range(parts))

    def work():
        for part in left:
            function(part, parts, *arguments)

    asked = _ask(threads - 1, work)
    work()
    for future in asked:
        if not future.cancel():
            future.result()
