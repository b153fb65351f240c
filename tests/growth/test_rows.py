"""The writer of the innermost loops, on the example in its docstring."""

import re

import numba
import numpy as np
import pytest
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from gliofit.growth.cpu.llvm_rows import LANES, _Rows


@intrinsic
def twice(typing_context, fields, q, first, blocks):
    """row ← 2·row."""

    def write(context, builder, signature, arguments):
        rows = _Rows(context, builder, signature, arguments, "fields q first blocks")
        place, two = rows.origin("q"), rows.splat(ir.Constant(rows.scalar, 2.0))
        rows.loop(lambda n: rows.store(rows.mul(two, rows.load(place, n)), place, n))
        return context.get_dummy_value()

    return types.void(fields, q, first, blocks), write


@numba.njit
def doubled(q, first, blocks):
    twice((0,), q, first, blocks)


@pytest.mark.parametrize(("dtype", "name"), [(np.float32, "float"), (np.float64, "double")])
def test_a_row_is_worked_through_in_blocks(dtype, name):
    q = np.arange(1, 5 * LANES + 1, dtype=dtype)[None]
    expected = q.copy()
    expected[0, 3 : 3 + 2 * LANES] *= 2
    doubled(q, 3, 2)
    np.testing.assert_array_equal(q, expected)
    doubled(q, 3, 0)
    np.testing.assert_array_equal(q, expected)
    text = doubled.inspect_llvm(next(s for s in doubled.signatures if s[0].dtype == numba.from_dtype(np.dtype(dtype))))
    assert re.search(rf"<{LANES} x {name}>", text)
